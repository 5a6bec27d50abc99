"""Texts by which upstreams name parameters that they refuse, as tables of patterns."""
