"""The model in a query: found under two names, and replaced by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.passthrough.query_model import query_model, with_query_model


@pytest.mark.parametrize(
    ("query", "model"),
    [
        (b"model=gpt-realtime", "gpt-realtime"),
        (b"a=b&model=a%2Fb%20c+d", "a/b c d"),
        (b"deployment=d&api-version=v", "d"),
        (b"deployment=d&model=m", "m"),
        (b"model=&deployment=d", "d"),
        (b"model=first&model=second", "first"),
        (b"mod%65l=m", "m"),
        (b"Model=m", None),
        (b"model", None),
        (b"call_id=c", None),
        (b"", None),
    ],
)
def test_the_model_is_found(query: bytes, model: str | None) -> None:
    assert query_model(query) == model


def test_it_is_named_once_afterwards_and_all_else_stays() -> None:
    query = b"x=1%202&deployment=d&&model=a&y&mod%65l=b"
    assert with_query_model(query, "a/b ü") == b"model=a%2Fb%20%C3%BC&x=1%202&y"


@given(st.binary(max_size=60), st.text(min_size=1, max_size=30).filter(lambda t: t.isprintable()))
def test_whatever_the_query_it_has_the_model_afterwards(query: bytes, model: str) -> None:
    assert query_model(with_query_model(query, model)) == model
