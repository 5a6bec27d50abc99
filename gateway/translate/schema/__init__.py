"""What requests may hold: the check tables of every shape."""
