"""/v1/messages: the turn that `generation.turns` decides on, as content blocks and events."""

import json
from collections.abc import Iterator
from typing import Any

from gateway.demo.endpoints.chat import content_text
from gateway.demo.endpoints.messages_stream import MessageStream
from gateway.demo.generation.answer import Answer, Event, Json, ReplyIds, data_event, encoded
from gateway.demo.generation.scenarios import Behaviour, Scenario, scenario_in
from gateway.demo.generation.signing import signature
from gateway.demo.generation.tokens import tokenise
from gateway.demo.generation.turns import (
    REASONING_TOKENS,
    REFUSAL,
    Conversation,
    Kind,
    Turn,
    take_turn,
)
from gateway.demo.messages_models import MessagesModel
from gateway.demo.refusals.messages import failed, no_room, prompt_too_long
from gateway.demo.rules.messages_model import check_for, thinks
from gateway.demo.rules.messages_tools import callable_tools
from gateway.demo.rules.messages_turns import blocks_of

THOUGHT = "The user said something, so I repeat it."
_TURN_OVERHEAD = 3
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def answer(body: Json, model: MessagesModel, ids: ReplyIds) -> Answer:
    """Answer a request that `rules.messages` has checked; raises `Refused`."""
    check_for(body, model)
    conversation = _conversation(body)
    scenario = scenario_in(conversation.text)
    status = scenario.failing_status(stream=bool(body.get("stream")))
    if status is not None:
        raise failed(status)
    tokens, limit = input_tokens(body), body["max_tokens"]
    if tokens > model.context:
        raise prompt_too_long(tokens, model.context)
    if tokens + limit > model.context:
        raise no_room(tokens, limit, model.context)
    reply = _Reply(body, model, ids, scenario, take_turn(conversation, scenario, 0))
    return Answer(scenario, reply.whole, reply.events, _failure)


def _failure(sent: int) -> Iterator[bytes]:  # noqa: ARG001 - only responses number their events
    yield data_event(failed(500).envelope(), "error")


def input_tokens(body: Json) -> int:
    """Return the tokens of a checked request: messages, system and tools."""
    texts = [_text(message["content"]) for message in body["messages"]]
    texts += [content_text(body["system"])] if body.get("system") else []
    texts += [encoded(tool).decode() for tool in body.get("tools") or ()]
    return sum(len(tokenise(text)) + _TURN_OVERHEAD for text in texts)


def _text(content: Any) -> str:
    """Return what a message says; calls count with what they are made with."""
    if isinstance(content, str):
        return content
    results = [block.get("content") or "" for block in content if block["type"] == "tool_result"]
    calls = [encoded(block["input"]).decode() for block in content if block["type"] == "tool_use"]
    return "".join([_said(content), *map(content_text, results), *calls])


def _said(blocks: list[Json]) -> str:
    silent = ("tool_result", "tool_use", "thinking", "redacted_thinking")
    return content_text([block for block in blocks if block["type"] not in silent])


def _conversation(body: Json) -> Conversation:
    asked = [message for message in body["messages"] if message["role"] != "system"]
    users = [_said(blocks_of(message)) for message in asked if message["role"] == "user"]
    results = [block for block in blocks_of(asked[-1]) if block["type"] == "tool_result"]
    choice = body.get("tool_choice") or {"type": "auto"}
    form = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return Conversation(
        text=next((text for text in reversed(users) if text), ""),
        tool_output=content_text(results[-1].get("content")) if results else None,
        tools=callable_tools(body),
        tool_choice=_CHOICES.get(choice["type"]) or f"={choice['name']}",
        parallel=not choice.get("disable_parallel_tool_use", False),
        format=form or {"type": "text"},
        limit=body["max_tokens"],
        stops=body.get("stop_sequences") or (),
        hidden=REASONING_TOKENS if thinks(body) else 0,
    )


class _Reply:
    """One turn, ready to be written whole or as events."""

    def __init__(
        self, body: Json, model: MessagesModel, ids: ReplyIds, scenario: Scenario, turn: Turn
    ) -> None:
        self._body = body
        self._model = model
        self._ids = ids
        self._scenario = scenario
        self._turn = turn

    def whole(self) -> Json:
        """Return the reply as one object."""
        return {**self._frame(self._content()), **self._ending(), "usage": self._usage(whole=True)}

    def events(self) -> Iterator[Event]:
        """Yield the reply as events."""
        started = {**self._frame([]), "stop_reason": None, "stop_sequence": None}
        stream = MessageStream(
            started={**started, "usage": self._usage(whole=False)},
            blocks=self._content(streamed=True),
            tokens=self._turn.candidate.tokens,
            arguments=[call.arguments.tokens for call in self._turn.calls],
            ending=self._ending(),
            usage=self._usage(whole=True),
        )
        return stream.events()

    def _frame(self, content: list[Json]) -> Json:
        return {
            "id": self._ids.prefixed("msg_"),
            "type": "message",
            "role": "assistant",
            "model": self._model.id,
            "content": content,
        }

    def _ending(self) -> Json:
        stopped_by = self._turn.candidate.stop_sequence
        if stopped_by is not None:
            return {"stop_reason": "stop_sequence", "stop_sequence": stopped_by}
        ending: Json = {"stop_sequence": None}
        if self._turn.kind is Kind.REFUSAL:
            details: Json = {"category": "general_harms", "explanation": REFUSAL}
        elif self._scenario.behaviour is Behaviour.CONTENT_FILTER:
            details = {"category": None, "explanation": None}
        else:
            return {"stop_reason": _STOP_REASONS[self._turn.finish], **ending}
        return {"stop_reason": "refusal", **ending, "stop_details": {"type": "refusal", **details}}

    def _usage(self, *, whole: bool) -> Json:
        turn = self._turn
        given = input_tokens(self._body)
        read = self._cached_tokens()
        usage: Json = {
            "input_tokens": given - read,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": read,
            "output_tokens": turn.spent if whole else 1,
            "service_tier": "standard",
        }
        if whole and turn.candidate.hidden:
            usage["output_tokens_details"] = {"thinking_tokens": turn.candidate.hidden}
        return usage

    def _cached_tokens(self) -> int:
        """Return what a request with a breakpoint reads from the cache: all but its last turn."""
        if b'"cache_control":{' not in encoded(self._body):
            return 0
        last = {**self._body, "system": "", "tools": [], "messages": self._body["messages"][-1:]}
        return input_tokens(self._body) - input_tokens(last)

    def _content(self, *, streamed: bool = False) -> list[Json]:
        """Return the blocks; `streamed`: with the call that a limit has cut off."""
        turn = self._turn
        blocks = [self._thinking()] if turn.candidate.hidden else []
        if turn.kind is Kind.TEXT and turn.candidate.tokens:
            blocks.append({"type": "text", "text": turn.candidate.text})
        for place, call in enumerate(turn.calls):
            is_cut = call.arguments.finish == "length"
            if not is_cut or streamed:
                blocks.append(
                    {
                        "type": "tool_use",
                        "id": f"{self._ids.prefixed('toolu_')}_{place}",
                        "name": call.name,
                        "input": {} if is_cut else json.loads(call.arguments.text),
                        "caller": {"type": "direct"},
                    }
                )
        return blocks

    def _thinking(self) -> Json:
        if self._scenario.behaviour is Behaviour.REDACT:
            return {"type": "redacted_thinking", "data": signature(THOUGHT)}
        shown = self._body["thinking"].get("display") != "omitted"
        return {
            "type": "thinking",
            "thinking": THOUGHT if shown else "",
            "signature": signature(THOUGHT),
        }
