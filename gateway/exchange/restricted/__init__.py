"""Holds clients that may use certain models only to them."""
