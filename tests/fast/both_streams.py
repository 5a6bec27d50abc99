"""A stream on the fast path and on the generic path."""

import re
from collections.abc import Sequence
from itertools import count

import msgspec

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError
from gateway.exchange.calls.feeding import Feeder
from gateway.fast.pairs import pair_paths
from gateway.fast.paths import Fast
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
MESSAGES = Shape.MESSAGES


PAIRS = [
    (COMPLETIONS, CHAT),
    (CHAT, RESPONSES),
    (RESPONSES, CHAT),
    (CHAT, COMPLETIONS),
    (COMPLETIONS, RESPONSES),
    (RESPONSES, COMPLETIONS),
    (MESSAGES, CHAT),
    (MESSAGES, RESPONSES),
    (MESSAGES, COMPLETIONS),
    (COMPLETIONS, MESSAGES),
    (CHAT, MESSAGES),
    (RESPONSES, MESSAGES),
]


BODIES: dict[Shape, Json] = {
    COMPLETIONS: {"model": "m", "prompt": "Once", "stream": True, "max_tokens": 99},
    CHAT: {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True},
    RESPONSES: {"model": "m", "input": "hi", "stream": True},
    MESSAGES: {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    },
}


OPTIONS: dict[Shape, list[Json]] = {
    COMPLETIONS: [
        {},
        {"stream_options": {"include_usage": True}},
        {"n": 2},
        {"prompt": ["a", "b"], "stream_options": {"include_usage": True}},
        {"echo": True},
        {"logprobs": 1},
        {"stop": ["ab", "n"]},
    ],
    CHAT: [
        {},
        {"stream_options": {"include_usage": True}},
        {"n": 2},
        {"stop": "ab"},
        {"response_format": {"type": "json_object"}},
    ],
    RESPONSES: [{}],
    MESSAGES: [{}, {"stop_sequences": ["ab", "n"]}],
}


_SETTINGS = TranslationSettings(on_unsupported="drop")
_CAPABLE = Capabilities(strict_params=False)
_WITHOUT_STOP = Capabilities(stop=False, strict_params=False)


class Counting(StreamTranslation):
    """A stream translation that counts the events it is fed."""

    def __init__(self, stream: StreamTranslation) -> None:
        self._stream = stream
        self.fed = 0

    def feed(self, call: int, event: Json) -> list[Json]:
        self.fed += 1
        return self._stream.feed(call, event)

    def end(self, call: int) -> list[Json]:
        return self._stream.end(call)

    def fail(self, error: GatewayError) -> list[Json]:
        return self._stream.fail(error)

    def satisfied(self, call: int) -> bool:
        return self._stream.satisfied(call)

    @property
    def passes_text(self) -> bool:
        return self._stream.passes_text


def context_of(options: Json) -> Context:
    numbers = count(1)
    return Context(
        model_asked="m",
        model_sent="m-sent",
        settings=_SETTINGS,
        capabilities=_WITHOUT_STOP if "stop" in options else _CAPABLE,
        new_id=lambda: f"{next(numbers):032x}",
        now=1_700_000_000,
    )


def planned(client: Shape, home: Shape, options: Json) -> Translation:
    return plan(client, home, {**BODIES[client], **options}, context_of(options))


def by_codec(client: Shape, home: Shape, options: Json) -> Fast | None:
    """Return the translation by a codec; None: no codec admits the request."""
    context, body = context_of(options), msgspec.json.encode({**BODIES[client], **options})
    return pair_paths(client, home, context).translation(body, context)


_DRAWN = re.compile(rb"toolu_[0-9a-f]{32}")

Arrivals = Sequence[tuple[int, bytes | None]]
"""What arrives, and of which call; None is the end of its stream."""


def sent(feeder: Feeder, arrivals: Arrivals) -> list[bytes | str]:
    """Return what is sent to the client, arrival by arrival."""
    pieces: list[bytes | str] = []
    for call, data in arrivals:
        if feeder.ended(call):
            pieces.append("ended")
            continue
        pieces.append(feeder.finish(call) if data is None else feeder.feed(call, data))
        error = feeder.take_error()
        if error is not None:
            assert isinstance(error, GatewayError)
            return [*pieces, repr(error.envelope()), feeder.fail(error)]
    return pieces


def assert_same_stream(client: Shape, home: Shape, options: Json, arrivals: Arrivals) -> None:
    """Check that all paths send the client the same."""
    generic = planned(client, home, options)
    expected = sent(_feeder(client, home, generic, fast=False), arrivals)
    for other in (planned(client, home, options), by_codec(client, home, options)):
        if other is not None:
            found = sent(_feeder(client, home, other, fast=True), arrivals)
            assert _in_order(found) == _in_order(expected)
            assert other.report.header() == generic.report.header()


def _in_order(pieces: Sequence[bytes | str]) -> list[object]:
    """Return what was sent, with the ids of calls that the gateway draws renumbered.

    A generic translation that takes over draws the id of its message again, which is not sent.
    """
    drawn: dict[bytes, bytes] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return drawn.setdefault(found[0], b"toolu_%d" % len(drawn))

    return [_DRAWN.sub(number, each) if isinstance(each, bytes) else each for each in pieces]


def _feeder(client: Shape, home: Shape, translation: Translation, *, fast: bool) -> Feeder:
    return Feeder(client, home, len(translation.calls), translation.stream(), fast=fast)
