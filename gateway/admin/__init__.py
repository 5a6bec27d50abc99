"""The operators' listener: its page, metrics, explanations of routes, and reloads."""
