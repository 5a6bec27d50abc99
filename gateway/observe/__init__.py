"""What an operator sees of requests: their outcomes, and a log of failures."""
