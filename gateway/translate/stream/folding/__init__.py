"""Streams folded: their events as the whole reply with the same content."""
