"""Everything that is not generation, passed on as it is."""
