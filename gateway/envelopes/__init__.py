"""JSON of upstreams: lists and fields, and errors in whatever envelope."""
