"""Sending over httpcore2: for upstreams behind a forward proxy, and for HTTP/2."""
