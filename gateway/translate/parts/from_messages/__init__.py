"""Parts of messages requests, translated for another endpoint."""
