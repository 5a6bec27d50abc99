"""Exchanges through the whole of the gateway but its sockets, with replies as drawn."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.config.settings import ModelRule, TranslationSettings
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import Scene, Told
from tests.fakes import Answer, json_reply, stream_reply
from tests.translate.round_trips.streams import events_of

MODEL = "served-by-rule"
ReplyTo = Callable[[int, Json], Json]
"""What is answered to the call of that number, whole."""

_RANDOM = re.compile(r"[0-9a-f]{32}")


@dataclass
class Exchange:
    """One exchange, or a refusal."""

    request: Json
    sent: list[Json] = field(default_factory=list)
    """The upstream requests, in order."""
    answered: list[Json] = field(default_factory=list)
    """The upstream replies, whole, in the same order."""
    told: Told | None = None
    refused: GatewayError | None = None

    @property
    def heard(self) -> Told:
        """What the client was told; fails unless it was an answer."""
        assert self.told is not None, self.refused
        return self.told

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


class Stage:
    """A client's shape before a model at another."""

    def __init__(self, client: Shape, home: Shape, *, drop: bool) -> None:
        self.client = client
        self.home = home
        self._exchange = Exchange({})
        self._reply_to: ReplyTo = lambda call, body: {}
        self.written: list[bytes] = []
        """The upstream requests of the last exchange, byte for byte."""
        self.delivered: Sequence[bytes] = ()
        """The body of the last upstream reply, in pieces."""
        self._scene = Scene(
            self._answer,
            rules=(ModelRule(MODEL, endpoints=(home,)),),
            translation=TranslationSettings(on_unsupported="drop" if drop else "refuse"),
        )

    def play(self, request: Json, reply_to: ReplyTo) -> Exchange:
        """Play a request to its end, or to its refusal by the gateway."""
        self._exchange, self._reply_to = Exchange(request), reply_to
        self.written = []
        try:
            self._exchange.told = self._scene.tell(self.client, request)
        except GatewayError as refused:
            self._exchange.refused = refused
        return self._exchange

    def _answer(self, call: UpstreamCall) -> Answer:
        assert call.path == self.home.path
        assert isinstance(call.body, bytes)
        body: Json = msgspec.json.decode(call.body)
        self.written.append(call.body)
        reply = self._reply_to(len(self._exchange.sent), body)
        self._exchange.sent.append(body)
        self._exchange.answered.append(reply)
        delivery = json_reply(reply)
        if body.get("stream"):
            usage = (body.get("stream_options") or {}).get("include_usage", False)
            events = events_of(self.home, reply, usage=usage)
            delivery = stream_reply(*events, done=self.home is not Shape.RESPONSES)
        self.delivered = delivery.pieces
        return delivery


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
