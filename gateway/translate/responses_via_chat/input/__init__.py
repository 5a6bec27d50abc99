"""The `input` of responses requests as chat messages."""
