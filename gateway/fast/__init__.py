"""Fast paths: short cuts for common traffic, beside the translations, not inside them.

A fast path recognises its traffic strictly, has exactly the results of the generic path for it, and
hands over all other traffic. `translate` defines what is right and does not know this layer;
`performance.fast_paths: false` switches it off. The tests compare both paths.

| What | Where |
|---|---|
| which fast paths a pair of shapes has | `paths.py`, which loads `pairs.py` when it is needed |
| small requests and their whole replies | `codec.py`, and `codecs/X_via_Y.py` for each pair |
| what they read, and what they write | `forms/` |
| the streams of these requests | `streams/` |
| long conversations with calls of tools | `agents/` |
| events of any stream that differ only in their text | `deltas/` |
"""
