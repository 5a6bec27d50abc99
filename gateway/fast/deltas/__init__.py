"""Streams in runs: events that differ only in their text are copied from bytes to bytes.

`text_deltas.py` is the way in, for every pair of shapes: it has an event folded by the generic path
(or by a common stream of `gateway.fast`), and uses it and its result as templates for the next.
"""
