"""The client against a scripted service on a real socket."""
