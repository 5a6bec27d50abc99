"""endpoint-gateway: any OpenAI-style client reaches any model, whichever endpoint it lives on."""

__version__ = "0.2.0"
