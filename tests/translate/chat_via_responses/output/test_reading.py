"""Fields of upstream JSON."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import (
    an_object,
    index_of,
    objects,
    string,
)
from tests.translate.chat_via_responses.cases import (
    message,
    response,
    text,
    whole,
)


@pytest.mark.parametrize(
    "item",
    [
        message(text(5)),  # type: ignore[arg-type]
        {"type": "message", "content": 5},
        {"type": "message", "content": [5]},
        {"type": "reasoning", "summary": 5},
        {"type": "reasoning", "content": [5]},
        message(text("a", annotations=7)),
    ],
)
def test_items_that_cannot_be_read_are_errors(item: Json) -> None:
    with pytest.raises(UpstreamError, match="cannot be read"):
        whole({}, response(item))


@pytest.mark.parametrize("value", [None, 5, [], "x"])
def test_an_object_that_must_be_there(value: object) -> None:
    assert an_object({"item": {"id": "x"}}, "item") == {"id": "x"}
    with pytest.raises(UpstreamError, match="'item' is not an object"):
        an_object({"item": value}, "item")


def test_what_is_absent_is_empty() -> None:
    assert (objects({}, "output"), string({}, "delta"), index_of({}, "content_index")) == (
        [],
        "",
        None,
    )


@pytest.mark.parametrize("index", [True, "0", 1.5])
def test_what_is_not_a_position_says_nothing(index: object) -> None:
    assert index_of({"content_index": index}, "content_index") is None
    assert index_of({"content_index": 2}, "content_index") == 2
