"""The endpoints that OpenAI has shut down, served by those that took their place."""
