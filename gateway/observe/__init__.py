"""What an operator sees of requests: records of them, their outcomes, two logs, and traces."""
