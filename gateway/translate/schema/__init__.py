"""The parameters of requests: a table of checks for every shape."""
