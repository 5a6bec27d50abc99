"""WebSockets at upstreams."""
