"""The real application over sockets, with stand-ins for Microsoft at the wire."""
