"""The operators' listener: explains routes and exposes metrics."""
