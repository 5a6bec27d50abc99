"""Fast paths: short cuts for common traffic, beside the translations and never inside them.

A fast path recognises its traffic strictly, gives exactly what the generic path gives for it, and
hands over whatever it does not know. `translate` defines what is right and knows nothing of this
layer; `performance.fast_paths: false` does without it. The tests compare both paths.
"""
