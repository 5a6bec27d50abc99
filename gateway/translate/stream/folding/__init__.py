"""Streams folded: their events as the whole reply that says the same."""
