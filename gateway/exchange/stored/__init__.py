"""Responses and conversations that the gateway stores, and the seals of what clients store."""
