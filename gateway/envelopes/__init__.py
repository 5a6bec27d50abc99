"""Errors in the replies of upstreams: read out of whatever envelope they are in."""
