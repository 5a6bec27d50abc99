"""Tools and their calls: definitions, names, choices, arguments."""
