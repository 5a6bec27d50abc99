"""Responses requests of agents, for other endpoints."""
