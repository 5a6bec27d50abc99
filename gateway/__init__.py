"""endpoint-gateway: any client reaches any model, at whichever endpoint the model lives."""

__version__ = "0.2.0"
