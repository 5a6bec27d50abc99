"""Chat requests of agents, for other endpoints."""
