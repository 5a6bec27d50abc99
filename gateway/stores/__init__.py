"""What is stored outside a request: responses, and findings that processes share."""
