"""Model lists and cards: what the upstreams list, and the aliases."""
