"""Chat replies as responses: the stream, its output items, and the response object."""
