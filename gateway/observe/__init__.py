"""What an operator sees of requests: how they ended, and a log of what failed."""
