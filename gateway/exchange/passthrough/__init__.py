"""Requests that are not generation, passed on as they are."""
