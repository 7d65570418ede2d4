"""Every card, drawn and looked at."""
