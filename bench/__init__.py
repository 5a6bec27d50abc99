"""The bench: what a request costs in the gateway, beside nginx and the gateway's peers."""
