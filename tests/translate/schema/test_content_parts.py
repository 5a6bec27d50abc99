"""Parts of a content, by the types that their place allows."""

import msgspec
import pytest

from gateway.errors import InvalidRequest
from gateway.translate.schema.checks import Record, String
from gateway.translate.schema.content_parts import MARK, part_of
from gateway.translate.schema.native_types import type_of

RECORDS = {
    "text": Record({**MARK, "text": String()}, required=("text",)),
    "picture": Record({**MARK, "url": String()}, required=("url",)),
    "sound": Record(MARK),
}
CHECK = part_of(RECORDS, "text", "picture")


def test_a_part_is_checked_by_its_type() -> None:
    part = {"type": "text", "text": "A", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert CHECK.accept(part, "content[0]") == part
    with pytest.raises(InvalidRequest) as raised:
        CHECK.accept({"type": "picture", "text": "A"}, "content[0]")
    assert raised.value.param == "content[0].url"


@pytest.mark.parametrize("part", [{"type": "sound"}, {"type": "other"}, {"text": "A"}])
def test_other_types_have_no_place(part: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        CHECK.accept(part, "content[0]")
    assert raised.value.param == "content[0].type"


def test_the_type_that_is_looked_at_first_has_no_others_either() -> None:
    known = type_of(CHECK)
    assert msgspec.convert({"type": "text", "text": "A"}, known)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "sound"}, known)
