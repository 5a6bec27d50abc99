"""What each endpoint takes, and what it refuses."""
