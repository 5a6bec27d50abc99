"""Responses and conversations that the gateway keeps, and what clients keep sealed."""
