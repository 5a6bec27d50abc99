"""What an upstream may send instead of what it should."""

from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def almost(*keys: str, inner: st.SearchStrategy[object] = ANY_JSON) -> st.SearchStrategy[object]:
    """Objects with some of these keys, whatever their values."""
    return st.dictionaries(st.sampled_from(keys), inner)
