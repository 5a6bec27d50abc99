"""endpoint-gateway: any OpenAI-style client reaches any model, at whichever endpoint it lives."""

__version__ = "0.2.0"
