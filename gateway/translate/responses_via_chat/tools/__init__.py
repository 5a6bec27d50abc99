"""Tools of responses requests as tools of chat, and their names in calls."""
