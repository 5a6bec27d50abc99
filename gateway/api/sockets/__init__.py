"""Clients' sockets: what comes on them, and what they get."""
