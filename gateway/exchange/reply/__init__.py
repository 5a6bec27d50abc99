"""The bodies of upstreams' replies: classified, read whole, or passed on as they come."""
