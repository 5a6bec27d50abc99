"""Tests of the bench: of what it sends and what it makes of figures; it measures by itself."""
