"""What clients get where an attempt, or a whole request, has failed."""
