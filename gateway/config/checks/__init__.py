"""Checks of a configuration: what is wrong in it, what is doubtful, and in which words."""
