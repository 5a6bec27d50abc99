"""Parts of requests from clients of messages, on their way to another endpoint."""
