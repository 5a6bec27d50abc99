"""/v1/chat/completions: the turn that `generation.turns` decides on, in the chat shape."""

import json
from collections.abc import Iterator
from typing import Any

from gateway.demo.generation.answer import (
    DONE,
    FINGERPRINT,
    Answer,
    Event,
    Json,
    Phase,
    ReplyIds,
    data_event,
)
from gateway.demo.generation.logprobs import entry
from gateway.demo.generation.scenarios import Scenario, scenario_in
from gateway.demo.generation.tokens import pieces, tokenise
from gateway.demo.generation.turns import (
    Conversation,
    Kind,
    ToolCall,
    Turn,
    reasoning_tokens,
    take_turn,
)
from gateway.demo.models import DemoModel
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import too_long
from gateway.demo.refusals.service import server_error
from gateway.demo.rules import chat as chat_rules

_TURN_OVERHEAD = 3
"""Tokens that a message costs besides its text."""


def answer(body: Json, model: DemoModel, ids: ReplyIds) -> Answer:
    """Check a request and answer it; raises `Refused`."""
    chat_rules.check(body, model)
    conversation = _conversation(body, model)
    scenario = scenario_in(conversation.text)
    scenario.refuse_if_asked(model.id, stream=bool(body.get("stream")))
    reply = _Reply(body, model, ids, scenario, conversation)
    needed, limit = reply.prompt_tokens, conversation.limit or 0
    if needed + limit > model.context:
        raise too_long(model.context, needed, limit, "messages")
    return Answer(scenario, reply.whole, reply.events, chat_failure)


def chat_failure(sent: int) -> Iterator[bytes]:  # noqa: ARG001 - only responses number events
    """Yield what ends a failing stream of chat, or of completions."""
    yield data_event(server_error().envelope())
    yield DONE


def content_text(content: Any) -> str:
    """Return the text of a message's content; other parts show their type."""
    if isinstance(content, list):
        return "".join(part.get("text", f"[{part['type']}]") for part in content)
    return content or ""


def _conversation(body: Json, model: DemoModel) -> Conversation:
    messages = body["messages"]
    users = [content_text(m.get("content")) for m in messages if m["role"] == "user"]
    last = messages[-1]
    tools = [tool[tool["type"]] for tool in body.get("tools", ())]
    free = [tool["custom"]["name"] for tool in body.get("tools", ()) if tool["type"] == "custom"]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    stop = body.get("stop") or []
    return Conversation(
        text=users[-1] if users else "",
        tool_output=content_text(last["content"]) if last["role"] in ("tool", "function") else None,
        tools={
            function["name"]: function.get("parameters", {"type": "object"})
            for function in [*tools, *body.get("functions", ())]
        },
        free=free,
        tool_choice=_tool_choice(body),
        parallel=body.get("parallel_tool_calls", "functions" not in body),
        format=_format(body),
        limit=limit,
        stops=[stop] if isinstance(stop, str) else stop,
        seed=body.get("seed") or 0,
        hidden=reasoning_tokens(model, body.get("reasoning_effort")),
    )


def _tool_choice(body: Json) -> str:
    choice: Any = body.get("tool_choice", body.get("function_call", "auto"))
    if isinstance(choice, str):
        return choice
    if choice.get("type") == "allowed_tools":
        return str(choice["allowed_tools"]["mode"])
    kind = choice.get("type", "function")
    name = choice.get(kind, choice)["name"]
    known = [tool[kind]["name"] for tool in body.get("tools", ()) if tool["type"] == kind]
    if name not in known + [function["name"] for function in body.get("functions", ())]:
        raise Refused(
            400,
            f"Invalid value for 'tool_choice': no {kind} named '{name}' was specified in the"
            " 'tools' parameter.",
            param="tool_choice",
        )
    return f"={name}"


def _format(body: Json) -> Json:
    given: Json = body.get("response_format", {"type": "text"})
    return {"type": given["type"], "schema": given.get("json_schema", {}).get("schema")}


class _Reply:
    """The turns of one request, ready to be written whole or as events."""

    def __init__(
        self,
        body: Json,
        model: DemoModel,
        ids: ReplyIds,
        scenario: Scenario,
        conversation: Conversation,
    ) -> None:
        self._body = body
        self._model = model
        self._ids = ids
        self._turns = [take_turn(conversation, scenario, n) for n in range(body.get("n") or 1)]
        self._top: int | None = (body.get("top_logprobs") or 0) if body.get("logprobs") else None
        self._legacy_call = "functions" in body
        self.prompt_tokens = sum(
            len(tokenise(content_text(message.get("content")))) + _TURN_OVERHEAD
            for message in body["messages"]
        )

    def _frame(self, kind: str) -> Json:
        return {
            "id": self._ids.prefixed("chatcmpl-"),
            "object": kind,
            "created": self._ids.created,
            "model": self._model.id,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def _usage(self) -> Json:
        spent = sum(turn.spent for turn in self._turns)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": spent,
            "total_tokens": self.prompt_tokens + spent,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": sum(turn.candidate.hidden for turn in self._turns),
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def whole(self) -> Json:
        """Return the reply as one object."""
        choices = [
            {
                "index": index,
                "message": self._message(index, turn),
                "logprobs": self._logprobs(turn),
                "finish_reason": self._finish(turn),
            }
            for index, turn in enumerate(self._turns)
        ]
        return {**self._frame("chat.completion"), "choices": choices, "usage": self._usage()}

    def _message(self, index: int, turn: Turn) -> Json:
        text = turn.candidate.text
        message: Json = {
            "role": "assistant",
            "content": text if turn.kind is Kind.TEXT else None,
            "refusal": text if turn.kind is Kind.REFUSAL else None,
            "annotations": [],
        }
        if turn.kind is Kind.CALLS:
            calls = self._calls(index, turn)
            if self._legacy_call:
                return message | {"function_call": calls[0]["function"]}
            return message | {"tool_calls": calls}
        return message

    def _calls(self, index: int, turn: Turn) -> list[Json]:
        return [
            {
                "id": f"call_demo{self._ids.number:08d}_{index}_{place}",
                "type": "custom" if call.is_free else "function",
                **_called(call, call.arguments.text),
            }
            for place, call in enumerate(turn.calls)
        ]

    def _finish(self, turn: Turn) -> str:
        legacy = self._legacy_call and turn.finish == "tool_calls"
        return "function_call" if legacy else turn.finish

    def _logprobs(self, turn: Turn) -> Json | None:
        if self._top is None or turn.kind is Kind.CALLS:
            return None
        entries = [entry(token, self._top) for token in turn.candidate.scored()]
        kind = "content" if turn.kind is Kind.TEXT else "refusal"
        return {"content": None, "refusal": None} | {kind: entries}

    def events(self) -> Iterator[Event]:
        """Yield the reply as chunks: every role first, then the choices take turns."""
        for index, _ in enumerate(self._turns):
            opening = {"role": "assistant", "content": "", "refusal": None}
            yield self._chunk(Phase.OPENING, index, opening)
        running = [
            (index, turn, self._deltas(turn, index)) for index, turn in enumerate(self._turns)
        ]
        while running:
            still = []
            for index, turn, deltas in running:
                delta = next(deltas, None)
                if delta is None:
                    yield self._chunk(Phase.CLOSING, index, {}, finish=self._finish(turn))
                else:
                    yield self._chunk(Phase.DELTA, index, delta[0], logprobs=delta[1])
                    still.append((index, turn, deltas))
            running = still
        if self._options("include_usage", default=False):
            last = {**self._frame("chat.completion.chunk"), "choices": [], "usage": self._usage()}
            yield Event(Phase.CLOSING, data_event(last))
        yield Event(Phase.CLOSING, DONE)

    def _options(self, name: str, *, default: bool) -> bool:
        return bool((self._body.get("stream_options") or {}).get(name, default))

    def _deltas(self, turn: Turn, index: int) -> Iterator[tuple[Json, Json | None]]:
        if turn.kind is Kind.CALLS:
            yield from ((delta, None) for delta in self._call_deltas(turn, index))
            return
        member = "content" if turn.kind is Kind.TEXT else "refusal"
        scored = turn.candidate.scored() if self._top is not None else []
        for position, piece in enumerate(pieces(turn.candidate.tokens)):
            if self._top is not None:
                one = {
                    "content": None,
                    "refusal": None,
                    member: [entry(scored[position], self._top)],
                }
                yield {member: piece}, one
            elif piece:
                yield {member: piece}, None

    def _call_deltas(self, turn: Turn, index: int) -> Iterator[Json]:
        for place, call in enumerate(self._calls(index, turn)):
            made = turn.calls[place]
            head = {"id": call["id"], "type": call["type"]}
            yield self._call_delta(place, {**head, **_called(made, "")})
            for piece in pieces(made.arguments.tokens):
                yield self._call_delta(place, _called(made, piece, named=False))

    def _call_delta(self, place: int, call: Json) -> Json:
        if self._legacy_call:
            return {"function_call": call["function"]}
        return {"tool_calls": [{"index": place, **call}]}

    def _chunk(
        self,
        phase: Phase,
        index: int,
        delta: Json,
        *,
        logprobs: Json | None = None,
        finish: str | None = None,
    ) -> Event:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        chunk: Json = {**self._frame("chat.completion.chunk"), "choices": [choice]}
        if self._options("include_usage", default=False):
            chunk["usage"] = None
        if self._options("include_obfuscation", default=True):
            chunk["obfuscation"] = padding(json.dumps(delta))
        return Event(phase, data_event(chunk))


def _called(call: ToolCall, text: str, *, named: bool = True) -> Json:
    """Return what a call says, or a piece of its text."""
    kind, field = ("custom", "input") if call.is_free else ("function", "arguments")
    return {kind: {**({"name": call.name} if named else {}), field: text}}


def padding(text: str) -> str:
    """Return noise that evens out an event's length, against traffic analysis."""
    return "demonoise0123456"[: 16 - len(text) % 16]
