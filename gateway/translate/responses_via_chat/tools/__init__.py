"""Tools of responses requests as chat tools, and their names in calls."""
