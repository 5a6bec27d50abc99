"""The operators' listener: explain a route, read the metrics."""
