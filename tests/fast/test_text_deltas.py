"""When the short way of common events is open, and when it is given up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.fast.event_template import LARGEST
from gateway.fast.text_deltas import DeltaFastPath
from gateway.shapes import Json, Shape
from gateway.translate.stream.sse import encode_events

WIRE = b'data: {"id":%d,"choices":[{"delta":{"content":%b}}]}\n\n'


@dataclass
class Plain:
    """Takes every event for plain, and texts as long as there is room."""

    plain: bool = True
    room: int = 10**6
    taken: list[str] = field(default_factory=list)

    def is_plain(self, call: int, event: Json) -> bool:
        return self.plain

    def take_plain(self, call: int, texts: Sequence[str]) -> int | None:
        if len(self.taken) + len(texts) > self.room:
            return None
        self.taken += texts
        return 0


def wire(text: str, number: int = 1) -> bytes:
    return WIRE % (number, msgspec.json.encode(text))


def told(text: str) -> list[Json]:
    return [{"choices": [{"text": text}]}]


def sent(*texts: str) -> bytes:
    return b"".join(encode_events(Shape.COMPLETIONS, told(text)) for text in texts)


def lane_of(plain: Plain) -> DeltaFastPath:
    return DeltaFastPath(Shape.COMPLETIONS, Shape.CHAT, 0, plain)


def proves(lane: DeltaFastPath, text: str, shown: str | None = None, number: int = 1) -> bool:
    """Whether an event that went the general way opens the lane."""
    event: Json = msgspec.json.decode(wire(text, number)[6:])
    events = told(text if shown is None else shown)
    return lane.proved(wire(text, number), event, events, encode_events(Shape.COMPLETIONS, events))


def test_nothing_is_taken_before_an_event_has_proved_it() -> None:
    plain = Plain()
    lane = lane_of(plain)
    row = wire("b") + wire("c")
    assert lane.take(row, 0) == (b"", 0)
    assert proves(lane, "a")
    assert lane.take(row, 0) == (sent("b", "c"), len(row))
    assert plain.taken == ["b", "c"]


def test_an_event_that_is_not_plain_or_whose_text_is_changed_proves_nothing() -> None:
    assert not proves(lane_of(Plain(plain=False)), "a")
    assert not proves(lane_of(Plain()), " a", shown="a")
    lane = lane_of(Plain())
    assert not lane.proved(wire("a"), {}, [], b"")
    assert not lane.proved(wire("a"), {}, told("a") * 2, sent("a", "a"))


def test_what_becomes_of_an_event_may_change() -> None:
    lane = lane_of(Plain())
    assert proves(lane, "a")
    other = [{"choices": [{"text": "b"}], "system_fingerprint": "fp"}]
    event: Json = msgspec.json.decode(wire("b")[6:])
    written = encode_events(Shape.COMPLETIONS, other)
    assert lane.proved(wire("b"), event, other, written)
    assert lane.take(wire("c"), 0) == (written.replace(b'"b"', b'"c"'), len(wire("c")))


def test_texts_that_the_translation_does_not_take_go_the_general_way() -> None:
    lane = lane_of(Plain(room=1))
    assert proves(lane, "a")
    assert lane.take(wire("b") + wire("c"), 0) == (b"", 0)
    assert lane.take(wire("b"), 0) == (sent("b"), len(wire("b")))


def test_a_lane_that_serves_few_events_is_worth_nothing() -> None:
    lane = lane_of(Plain())
    for number in range(4):
        assert not lane.worthless
        assert proves(lane, "a", number=number)
    assert lane.worthless
    lane.take(b"".join([wire("b", 3)] * 100), 0)
    assert not lane.worthless


def test_only_what_is_surely_no_event_is_held() -> None:
    lane = lane_of(Plain())
    assert lane.can_hold(b"data: x\n")
    assert not lane.can_hold(b"data: x\r")
    assert not lane.can_hold(b"x" * LARGEST)
