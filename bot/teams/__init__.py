"""The door to Microsoft Teams: the only importers of botbuilder."""
