"""When the fast path of streams is open, and when it is given up."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from gateway.errors import GatewayError, UpstreamError
from gateway.fast.deltas.budget import Budget
from gateway.fast.deltas.event_template import LARGEST
from gateway.fast.deltas.text_deltas import MAX_PENDING, DeltaFastPath
from gateway.fast.paths import Folded
from gateway.shapes import Json, Shape
from gateway.translate.contract import StreamTranslation
from gateway.translate.stream.sse import encode_events

NUMBERED = "response.output_text.delta"
WIRE = b'data: {"id":%d,"choices":[{"delta":{"content":%b}}]}\n\n'


class Echo(StreamTranslation):
    """Passes texts on; `extra` is what it says beside the next one, `limit` how much it takes."""

    passes_text = True

    def __init__(self, *, limit: int = 10**9) -> None:
        self.fed: list[str] = []
        self.extra: Json = {}
        self._limit = limit

    def feed(self, call: int, event: Json) -> list[Json]:
        text = event["choices"][0]["delta"]["content"]
        if sum(map(len, self.fed)) + len(text) > self._limit:
            raise UpstreamError("too much")
        self.fed.append(text)
        extra, self.extra = self.extra, {}
        return [{"choices": [{"text": text}], **extra}]

    def end(self, call: int) -> list[Json]:
        return [{"end": "".join(self.fed)}]

    def fail(self, error: GatewayError) -> list[Json]:
        return [{"failed": "".join(self.fed)}]

    def satisfied(self, call: int) -> bool:
        return False


class Numbering(Echo):
    """Numbers its events, from 5 on."""

    _number = 5

    def feed(self, call: int, event: Json) -> list[Json]:
        (echoed,) = super().feed(call, event)
        return [self._numbered({"delta": echoed["choices"][0]["text"]})]

    def end(self, call: int) -> list[Json]:
        return [self._numbered(event) for event in super().end(call)]

    def fail(self, error: GatewayError) -> list[Json]:
        return [self._numbered(event) for event in super().fail(error)]

    def _numbered(self, event: Json) -> Json:
        self._number += 1
        return {"type": NUMBERED, "sequence_number": self._number - 1, **event}


class Generic:
    """Folds whole events; `taken` is what it was given."""

    def __init__(self, client: Shape = Shape.COMPLETIONS) -> None:
        self.client = client
        self.translation: StreamTranslation
        self.taken: list[bytes] = []
        self.over = False

    def fold(self, call: int, data: bytes) -> Folded:
        self.taken.append(data)
        wires = [wire for wire in data.split(b"\n\n") if wire.startswith(b"data: {")]
        received = [msgspec.json.decode(wire[6:]) for wire in wires]
        events = [out for event in received for out in self.translation.feed(call, event)]
        only = received[0] if len(received) == 1 else None
        return encode_events(self.client, events), events, only

    def ended(self, call: int) -> bool:
        return self.over


def wire(*texts: str, number: int = 1) -> bytes:
    return b"".join(WIRE % (number, msgspec.json.encode(text)) for text in texts)


def sent(*texts: str, **extra: Any) -> bytes:
    events = [{"choices": [{"text": text}], **extra} for text in texts]
    return encode_events(Shape.COMPLETIONS, events)


def path_of(translation: StreamTranslation, generic: Generic, calls: int = 1) -> DeltaFastPath:
    fast = DeltaFastPath(generic.client, Shape.CHAT, calls, translation)
    generic.translation = fast
    return fast


def opened(translation: StreamTranslation, generic: Generic) -> DeltaFastPath:
    """Return a path that the event with the text `a` has opened."""
    fast = path_of(translation, generic)
    fast.take(0, wire("a"), generic)
    generic.taken.clear()
    return fast


def test_a_run_is_taken_after_an_event_of_text_that_became_one() -> None:
    echo, generic = Echo(), Generic()
    fast = path_of(echo, generic)
    row = wire("a", "b", "c")
    assert fast.take(0, row, generic) == sent("a", "b", "c")
    assert generic.taken == [wire("a")]
    assert fast.take(0, wire("d"), generic) == sent("d")
    assert echo.fed == ["a"]
    assert fast.end(0) == [{"end": "abcd"}]
    assert echo.fed == ["a", "bcd"]


def test_what_is_said_once_beside_a_text_is_not_repeated() -> None:
    echo, generic = Echo(), Generic()
    fast = path_of(echo, generic)
    echo.extra = {"citations": ["u"]}
    got = fast.take(0, wire("a", "b", "c", "d"), generic)
    assert got == sent("a", citations=["u"]) + sent("b", "c", "d")
    assert echo.fed == ["a", "b"]


def test_a_translation_that_holds_text_from_now_on_opens_nothing() -> None:
    echo, generic = Echo(), Generic()
    fast = path_of(echo, generic)
    echo.passes_text = False
    fast.take(0, wire("a", "b", "c"), generic)
    assert generic.taken == [wire("a"), wire("b"), wire("c")]


def test_whatever_else_comes_closes_it_and_another_event_opens_it_again() -> None:
    echo, generic = Echo(), Generic()
    fast = opened(echo, generic)
    fast.take(0, wire("b") + b": ping\n\n" + wire("c", "d"), generic)
    assert generic.taken == [b": ping\n\n", wire("c")]
    assert fast.take(0, wire("e", number=2) + wire("f", "g"), generic) == sent("e", "f", "g")
    assert generic.taken[2:] == [wire("e", number=2), wire("f")]
    assert "".join(echo.fed) == "abcdef"


def test_an_event_that_is_not_text_leaves_the_templates() -> None:
    echo, generic = Echo(), Generic()
    fast = opened(echo, generic)
    odd = wire("c").replace(b'"id"', b'"own":1,"id"')
    assert fast.take(0, odd + wire("d", "e"), generic) == sent("c", "d", "e")
    assert generic.taken == [odd, wire("d")]


@pytest.mark.parametrize("text", ["", " trimmed"])
def test_text_that_is_changed_opens_nothing(text: str) -> None:
    class Trimming(Echo):
        def feed(self, call: int, event: Json) -> list[Json]:
            (event,) = super().feed(call, event)
            event["choices"][0]["text"] = text.strip()
            return [event]

    generic = Generic()
    fast = path_of(Trimming(), generic)
    fast.take(0, wire(text, text, text), generic)
    assert len(generic.taken) == 3


def test_another_call_closes_it() -> None:
    echo, generic = Echo(), Generic()
    fast = path_of(echo, generic, calls=2)
    fast.take(0, wire("a", "b"), generic)
    fast.take(1, wire("c"), generic)
    assert echo.fed == ["a", "b", "c"]
    fast.take(0, wire("d", "e"), generic)
    assert generic.taken == [wire("a"), wire("c"), wire("d")]


def test_numbers_go_on_after_a_run() -> None:
    numbering, generic = Numbering(), Generic(Shape.RESPONSES)
    fast = opened(numbering, generic)
    fast.take(0, wire("b", "c", "d"), generic)
    (failed,) = fast.fail(UpstreamError("no"))
    assert failed == {"type": NUMBERED, "sequence_number": 9, "failed": "abcd"}
    written = fast.take(0, wire("e", "f"), generic)
    numbers = [msgspec.json.decode(line[6:])["sequence_number"] for line in data_of(written)]
    assert numbers == [10, 11]
    assert fast.end(0) == [{"type": NUMBERED, "sequence_number": 12, "end": "abcdef"}]


def data_of(written: bytes) -> Sequence[bytes]:
    return [line for line in written.split(b"\n") if line.startswith(b"data: ")]


def test_texts_do_not_wait_without_end() -> None:
    echo, generic = Echo(), Generic()
    fast = opened(echo, generic)
    long = "x" * 100
    for _ in range(3 * MAX_PENDING // 100):
        fast.take(0, wire(long), generic)
    assert 2 <= len(generic.taken) <= 3
    assert max(map(len, echo.fed)) < 2 * MAX_PENDING


def test_an_error_that_waits_never_hides_another() -> None:
    echo, generic = Echo(limit=3), Generic()
    fast = opened(echo, generic)
    fast.take(0, wire("bcd"), generic)
    assert fast.fail(UpstreamError("no")) == [{"failed": "a"}]


def test_the_beginning_of_an_event_waits_for_its_rest() -> None:
    echo, generic = Echo(), Generic()
    fast = opened(echo, generic)
    event = wire("c")
    assert fast.take(0, event[:9], generic) == b""
    assert fast.take(0, event[9:], generic) == sent("c")
    assert generic.taken == []
    assert fast.take(0, event[:-1], generic) == b""
    assert (fast.flush(0), fast.flush(0)) == (event[:-1], b"")


@pytest.mark.parametrize("piece", [b"data: x\r", b"data: " + b"x" * LARGEST])
def test_what_may_be_an_event_or_is_long_does_not_wait(piece: bytes) -> None:
    generic = Generic()
    fast = opened(Echo(), generic)
    fast.take(0, piece, generic)
    assert generic.taken == [piece]
    fast.take(0, b"y", generic)
    assert generic.taken == [piece, b"y"]


def test_nothing_is_taken_of_a_stream_that_has_ended() -> None:
    generic = Generic()
    fast = path_of(Echo(), generic)
    generic.over = True
    assert fast.take(0, wire("a", "b", "c"), generic) == b""
    assert generic.taken == []


def test_a_reply_that_may_break_a_limit_is_folded_event_by_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.fast.deltas.text_deltas.MAX_REPLY_CHARACTERS", 500)
    echo, generic = Echo(), Generic()
    fast = opened(echo, generic)
    while not generic.taken:
        assert fast.take(0, wire("c"), generic) == sent("c")
    assert len(echo.fed) == 3
    assert echo.fed[-1] == "c"


def test_a_search_that_does_not_pay_is_given_up() -> None:
    echo, generic = Echo(), Generic()
    fast = path_of(echo, generic)
    for number in range(Budget.TRIAL):
        fast.take(0, wire("a", number=number), generic)
    generic.taken.clear()
    row = wire("a", "b", "c", "d")
    assert fast.take(0, row, generic) == sent("a", "b", "c", "d")
    assert generic.taken == [row]


def test_the_search_pauses_where_many_events_in_a_row_are_missed() -> None:
    generic = Generic()
    fast = path_of(Echo(), generic)
    odd = wire(*["x"] * (Budget.TRIAL + 9)).replace(b'"id"', b'"own":1,"id"')
    assert fast.take(0, odd, generic) == sent(*["x"] * (Budget.TRIAL + 9))
    assert len(generic.taken) == Budget.TRIAL + 1
    fast.take(0, wire("a", "b", "c"), generic)
    assert generic.taken[Budget.TRIAL + 1 :] == [wire("a")]


def test_a_search_pays_when_it_serves_enough() -> None:
    budget = Budget()
    budget.spend(Budget.TRIAL)
    assert budget.exhausted
    budget.served += Budget.WORTH * Budget.TRIAL
    assert not budget.exhausted


def test_an_event_without_a_template_opens_nothing() -> None:
    generic = Generic()
    fast = path_of(Echo(), generic)
    long = wire("x" * LARGEST)
    fast.take(0, long + long, generic)
    assert generic.taken == [long, long]
    assert not fast.satisfied(0)
