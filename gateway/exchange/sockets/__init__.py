"""Sockets that are passed on to an upstream's own: turns of responses, and realtime sessions."""
