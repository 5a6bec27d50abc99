"""Values that are not decoded."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from gateway.fast.agents.raw import (
    NULL,
    decoded,
    is_empty,
    is_text,
    text,
)
from gateway.fast.agents.uncommon import Uncommon


class _Held(msgspec.Struct):
    value: Raw = NULL


VALUES: list[Any] = ["", "a", '"', "é", 0, -1, 1.5, True, False, None, [], [""], {}, {"a": ""}]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("before", [b"", b" ", b"\n\t "])
def test_values_are_told_apart_by_how_they_begin(value: Any, before: bytes) -> None:
    written = b'{"value":%b%b }' % (before, msgspec.json.encode(value))
    held = msgspec.json.decode(written, type=_Held).value
    assert is_text(held) is isinstance(value, str)
    assert (held == NULL) is (value is None)
    if isinstance(value, str):
        assert text(held) is held
        assert decoded(held) == value
        assert is_empty(held) is (value == "")
    else:
        with pytest.raises(Uncommon):
            text(held)
        with pytest.raises(msgspec.ValidationError):
            decoded(held)
