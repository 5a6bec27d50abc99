"""Responses requests at the chat endpoint, which answers them in its own shape."""
