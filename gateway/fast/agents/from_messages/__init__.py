"""Messages requests of agents, for other endpoints."""
