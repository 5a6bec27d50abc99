"""Streams: server-sent events, stop sequences, streams as whole replies and the reverse."""
