"""Fast paths: short cuts for common traffic, beside the translations, not inside them.

A fast path recognises its traffic strictly, has exactly the results of the generic path for it, and
hands over all other traffic. `translate` defines what is right and does not know this layer;
`performance.fast_paths: false` switches it off. The tests compare both paths.
"""
