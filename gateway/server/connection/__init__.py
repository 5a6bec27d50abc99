"""One client connection: its requests in, its replies out, and its lifetime."""
