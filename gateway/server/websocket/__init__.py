"""WebSockets on client connections (RFC 6455)."""
