import msgspec
import pytest

from gateway.fast.deltas.event_slots import NUMBER, PADDING, TEXTS, Slot, text_of, with_text
from gateway.shapes import Json, Shape

EVENT: Json = {"sequence_number": 7, "delta": "a", "obfuscation": "xx"}
DATA = msgspec.json.encode(EVENT)


@pytest.mark.parametrize(
    ("slot", "value"),
    [(TEXTS["text", Shape.RESPONSES], b'"a"'), (NUMBER, b"7"), (PADDING, b'"xx"')],
)
def test_a_value_is_found_where_another_one_changes_nothing_else(slot: Slot, value: bytes) -> None:
    place = slot.place(DATA, EVENT)
    assert place is not None
    assert DATA[slice(*place)] == value


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"{}", {}),
        (b'{"delta":5}', {"delta": 5}),
        (b'{"other":{"delta":"a"}}', {"other": {"delta": "a"}}),
        (b'{"delta":"a","delta":"b"}', {"delta": "b"}),
        (b'{"delta":"\\ud800"}', {"delta": "?"}),
        (b'{"text":"\\"delta\\":\\"a\\""}', {"text": '"delta":"a"'}),
        (DATA, {**EVENT, "delta": "b"}),
    ],
)
def test_a_value_of_uncertain_place_has_none(data: bytes, event: Json) -> None:
    assert TEXTS["text", Shape.RESPONSES].place(data, event) is None


def test_the_text_of_an_event_is_read_and_changed() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    changed = with_text(Shape.CHAT, chunk, "b")
    assert (text_of(Shape.CHAT, chunk), text_of(Shape.CHAT, changed)) == ("a", "b")
