"""Ids and names of calls, as they are sent."""

import pytest
from msgspec import Raw
from msgspec.json import decode, encode

from gateway.fast.agents.from_messages.sent_calls import ids_in, sent_id, sent_tool
from gateway.fast.agents.uncommon import UNCOMMON
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.tools.calls import bounded_call_id


@pytest.mark.parametrize("given", ["", "a", "i" * 64, "i" * 65, "é" * 64, '"' * 64, '"' * 65])
def test_a_longer_one_is_sent_as_the_generic_path_does(given: str) -> None:
    assert decode(sent_id(Raw(encode(given)))) == bounded_call_id(given)
    assert decode(sent_tool(Raw(encode(given)))) == sent_name(given)


def test_a_short_one_stays_as_it_is_written() -> None:
    written = Raw(rb'"\u0061"')
    assert sent_id(written) is sent_tool(written) is written


def test_ids_are_decoded_and_names_must_be_texts() -> None:
    assert ids_in([]) == []
    assert ids_in([Raw(rb'"\u0061"'), Raw(b'"f"'), Raw(b'"b"'), Raw(b'"f"')]) == ["a", "b"]
    for wrong in (b"3", b"null", rb'"\ud800"'):
        for called in ([Raw(wrong), Raw(b'"f"')], [Raw(b'"a"'), Raw(wrong)]):
            with pytest.raises(UNCOMMON):
                ids_in(called)
