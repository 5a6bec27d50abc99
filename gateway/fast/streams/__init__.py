"""Common streams: folded by a few types, without their generic translation.

`X_as_Y.py` folds streams of shape X for clients of shape Y. `fast_stream.py` uses such a fold for
as long as events are common, then the generic translation.
"""
