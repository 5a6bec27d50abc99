"""Exchanges through the whole of the gateway but its sockets, with replies as drawn."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene
from tests.fakes import Answer, FakeReply, json_reply, stream_reply
from tests.translate.round_trips.streams import events_of

MODEL = "served-by-rule"
ANTHROPIC = UpstreamSettings("anthropic", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
ReplyTo = Callable[[int, Json], Json]
"""What is answered to the call of that number, whole."""

_RANDOM = re.compile(r"[0-9a-f]{32}")


@dataclass
class Exchange:
    """One exchange, or a refusal."""

    request: Json
    written: list[bytes] = field(default_factory=list)
    """The upstream requests, in order, byte for byte."""
    sent: list[Json] = field(default_factory=list)
    """The same, decoded."""
    answered: list[Json] = field(default_factory=list)
    """The upstream replies, whole, in the same order."""
    delivered: bytes = b""
    """The body of the last upstream reply."""
    seen: Exchanged | None = None
    refused: GatewayError | None = None

    @property
    def heard(self) -> Exchanged:
        """What the client was told; fails unless it was an answer."""
        assert self.seen is not None, self.refused
        return self.seen

    @property
    def report(self) -> list[str]:
        """The names that the report has."""
        lists = self.heard.decision.translation.split("; ")[2:]
        entries = [entry for each in lists for entry in each.partition("=")[2].split(",")]
        return [re.split(r"->|:(?=[^:]*->)", entry)[0] for entry in entries]

    @property
    def outcome(self) -> tuple[str, str]:
        """All that it shows, but for the random ids in it."""
        sent = msgspec.json.encode(self.sent).decode()
        if self.refused is not None:
            return sent, f"{self.refused.param} {self.refused}"
        header = self.heard.decision.translation
        return f"{sent} {header}", _RANDOM.sub("", self.heard.body.decode())


@dataclass(frozen=True)
class Stage:
    """A client's shape before a model at another; `drop`: what is unsupported is left out."""

    client: Shape
    home: Shape
    drop: bool = False

    def play(self, request: Json, reply_to: ReplyTo) -> Exchange:
        """Play a request to its end, or to its refusal, by a gateway that has learned nothing."""
        exchange = Exchange(request)

        def answer(call: UpstreamCall) -> Answer:
            if call.method == "GET":
                return json_reply({"data": []})
            assert call.path == self.home.path
            assert isinstance(call.body, bytes)
            body: Json = msgspec.json.decode(call.body)
            reply = reply_to(len(exchange.sent), body)
            exchange.written.append(call.body)
            exchange.sent.append(body)
            exchange.answered.append(reply)
            delivery = self._delivery(body, reply)
            exchange.delivered = b"".join(delivery.pieces)
            return delivery

        scene = Scene(
            answer,
            *([ANTHROPIC] if self.home is Shape.MESSAGES else ()),
            rules=(ModelRule(MODEL, endpoints=(self.home,)),),
            translation=TranslationSettings(on_unsupported="drop" if self.drop else "refuse"),
        )
        try:
            exchange.seen = scene.generate(self.client, request)
        except GatewayError as refused:
            exchange.refused = refused
        return exchange

    def _delivery(self, body: Json, reply: Json) -> FakeReply:
        if not body.get("stream"):
            return json_reply(reply)
        usage = (body.get("stream_options") or {}).get("include_usage", False)
        events = events_of(self.home, reply, usage=usage)
        return stream_reply(*events, done=self.home in (Shape.COMPLETIONS, Shape.CHAT))


def streaming(client: Shape, request: Json) -> Json:
    """Return a request for the stream of the same reply, usage included."""
    streamed = {**request, "stream": True}
    if client is not Shape.RESPONSES:
        options: Any = streamed.get("stream_options") or {}
        streamed["stream_options"] = {**options, "include_usage": True}
    return streamed


def whole(request: Json) -> Json:
    """Return a request for the whole reply."""
    return {k: v for k, v in request.items() if k not in ("stream", "stream_options")}


def as_before(replies: Sequence[Json]) -> ReplyTo:
    """Give these replies, by the number of the call; more calls get them again."""
    return lambda call, body: replies[call % len(replies)]
