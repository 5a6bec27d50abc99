"""What the operating system knows and gives: names, connections, descriptors, the event loop."""
