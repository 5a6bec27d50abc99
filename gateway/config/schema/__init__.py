"""Configuration as written: every key with its type, default and description."""
