"""What commands find out about a configuration, its upstreams, and a gateway that runs."""
