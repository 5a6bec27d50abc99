"""Restricts clients that may use certain models only."""
