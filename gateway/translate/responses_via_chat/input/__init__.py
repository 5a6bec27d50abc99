"""The `input` of a responses request as chat messages."""
