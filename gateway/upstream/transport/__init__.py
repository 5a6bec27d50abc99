"""One connection to an upstream, and the reply that arrives on it."""
