"""Calls to upstreams: sent side by side, and their replies read whole or streamed to the client."""
