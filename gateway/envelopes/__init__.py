"""JSON of upstreams: their lists and fields, and errors out of whatever envelope they are in."""
