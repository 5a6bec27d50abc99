"""The emulator as a fake network: its strict checks and its answers, delivered as a test likes.

No sockets, so that every split and every cut of a stream can be tried. Anthropic has published no
description of its requests: there the emulator's checks are the only ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.demo.accounts import Account, Accounts
from gateway.demo.endpoints import chat, completions, messages, responses
from gateway.demo.generation.answer import Answer as DemoAnswer
from gateway.demo.generation.answer import Phase, ReplyIds, encoded
from gateway.demo.generation.scenarios import Behaviour
from gateway.demo.models import DemoModel, Endpoint
from gateway.demo.refusals import Refused
from gateway.demo.refusals.messages import no_such_model
from gateway.demo.rules import chat as chat_rules
from gateway.demo.rules import completions as completions_rules
from gateway.demo.rules import messages as messages_rules
from gateway.demo.rules import responses as responses_rules
from gateway.errors import TruncatedStream
from gateway.headers import ANTHROPIC_VERSION
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.headers import OutgoingHeaders
from tests import kinds
from tests.exchange.scene import OPENAI, Scene
from tests.fakes import EVENT_STREAM, JSON, Answer, FakeReply
from tests.translate.openai_schema import check_schema

REQUEST_SCHEMAS: Mapping[Shape, str] = {
    Shape.COMPLETIONS: "CreateCompletionRequest",
    Shape.CHAT: "CreateChatCompletionRequest",
    Shape.RESPONSES: "CreateResponse",
}
_OPENAIS: Mapping[
    Shape, tuple[Callable[[Json], None], Callable[[Json, DemoModel, ReplyIds], DemoAnswer]]
] = {
    Shape.COMPLETIONS: (completions_rules.check_names, completions.answer),
    Shape.CHAT: (chat_rules.check_names, chat.answer),
    Shape.RESPONSES: (responses_rules.check_names, responses.answer),
}
ANTHROPIC = UpstreamSettings("anthropic", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
_HEADERS = OutgoingHeaders(ANTHROPIC, Credentials(ANTHROPIC), b"api.anthropic.com")
"""What the network layer makes of a call's header fields."""
_DELTAS_BEFORE_TRICK = 2

Split = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Cuts the events of a stream into the pieces that arrive."""


def event_by_event(events: Sequence[bytes]) -> Sequence[bytes]:
    return events


def at_once(events: Sequence[bytes]) -> Sequence[bytes]:
    return [b"".join(events)]


def byte_by_byte(events: Sequence[bytes]) -> Sequence[bytes]:
    return [bytes([byte]) for byte in b"".join(events)]


@dataclass
class DemoUpstream:
    """Answers calls as the emulator would. `cut`: the connection breaks after so many events."""

    split: Split = event_by_event
    cut: int | None = None
    requests: list[tuple[Shape, Json]] = field(default_factory=list)
    """What was asked, in order."""
    lengths: list[int] = field(default_factory=list)
    """The number of events of each stream, before any cut."""

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return FakeReply(404, JSON, (b"{}",))
        shape = next(shape for shape in Shape if shape.path == call.path)
        assert isinstance(call.body, bytes)
        body: Json = msgspec.json.decode(call.body)
        self.requests.append((shape, body))
        ids = ReplyIds(len(self.requests), 1_788_220_800)
        account = Accounts(None, 0).authenticate("Bearer sk-test")
        try:
            if shape is Shape.MESSAGES:
                answered = _of_anthropics(call, body, account, ids)
            else:
                answered = _of_openais(shape, body, account, ids)
        except Refused as refused:
            return FakeReply(refused.status, JSON, (encoded(refused.envelope()),))
        if not body.get("stream"):
            return self._whole(answered)
        return self._stream(answered)

    def _whole(self, answered: DemoAnswer) -> FakeReply:
        body = encoded(answered.whole())
        if answered.scenario.behaviour is Behaviour.TRUNCATE:
            return FakeReply(200, JSON, (body[: len(body) // 2],), TruncatedStream("cut off"))
        return FakeReply(200, JSON, (body,))

    def _stream(self, answered: DemoAnswer) -> FakeReply:
        events = list(_sent(answered))
        self.lengths.append(len(events))
        broken = answered.scenario.behaviour is Behaviour.TRUNCATE or self.cut is not None
        pieces = self.split(events[: self.cut])
        return FakeReply(200, EVENT_STREAM, pieces, TruncatedStream("cut off") if broken else None)


def scene_at(home: Shape, model: str, upstream: DemoUpstream) -> Scene:
    """Return a gateway before the emulator, whose model lives at `home`."""
    settings = ANTHROPIC if home is Shape.MESSAGES else OPENAI
    return Scene(upstream.answer, settings, rules=(ModelRule(model, endpoints=(home,)),))


def _of_openais(shape: Shape, body: Json, account: Account, ids: ReplyIds) -> DemoAnswer:
    """Answer a call to one of OpenAI's endpoints; raises `Refused`."""
    check_schema(REQUEST_SCHEMAS[shape], body)
    check_names, make_answer = _OPENAIS[shape]
    check_names(body)
    return make_answer(body, account.model_for(body["model"], Endpoint(shape.endpoint)), ids)


def _of_anthropics(call: UpstreamCall, body: Json, account: Account, ids: ReplyIds) -> DemoAnswer:
    """Answer a call to /v1/messages; raises `Refused`."""
    headers = dict(_HEADERS.outgoing(call))
    betas = headers.get(b"anthropic-beta", b"").decode().split(",")
    messages_rules.check(body, headers[ANTHROPIC_VERSION].decode(), betas)
    model = account.messages_models.get(body["model"])
    if model is None:
        raise no_such_model(body["model"])
    return messages.answer(body, model, ids)


def _sent(answered: DemoAnswer) -> Iterator[bytes]:
    """Yield the events up to the one at which the scenario's behaviour strikes."""
    behaviour = answered.scenario.behaviour
    deltas = 0
    for sent, event in enumerate(answered.events()):
        if deltas == _DELTAS_BEFORE_TRICK and behaviour is Behaviour.TRUNCATE:
            return
        if deltas == _DELTAS_BEFORE_TRICK and behaviour is Behaviour.FAIL_MIDSTREAM:
            yield from answered.failure(sent)
            return
        yield event.data
        deltas += event.phase is Phase.DELTA
