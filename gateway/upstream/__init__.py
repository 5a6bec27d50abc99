"""The network towards upstreams: connections and their pools, headers, credentials, addresses."""
