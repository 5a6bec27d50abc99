"""Streams: server-sent events, stop sequences, and streams as whole replies and the reverse."""
