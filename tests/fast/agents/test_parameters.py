from typing import Any

import msgspec

from gateway.fast.agents.parameters import others_of


class _Request(msgspec.Struct):
    input: Any = None
    model: str | None = None
    store: bool | None = None
    metadata: Any = None


def test_fields_from_the_model_on_are_read_unless_they_are_null() -> None:
    others = others_of(_Request)
    assert others(_Request("Hi", "m", False)) == {"model": "m", "store": False}
    assert others(_Request("Hi", metadata={"a": None})) == {"metadata": {"a": None}}
    assert others(_Request("Hi")) == {}
