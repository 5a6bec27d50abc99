"""The bodies of clients' requests: read, decoded and translated, large ones beside the loop."""
