"""The HTTP/1.1 server: accepts connections, reads requests, writes replies, drains."""
