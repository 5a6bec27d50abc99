"""The network towards upstreams: connections, headers, credentials, error mapping."""
