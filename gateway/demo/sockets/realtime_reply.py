"""A response in a realtime session: the turn that `generation.turns` decides on, as its events.

Spoken answers are silence, as long as their transcript has tokens.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.demo.generation.answer import Json, Phase, ReplyIds
from gateway.demo.generation.scenarios import Scenario, scenario_in
from gateway.demo.generation.tokens import pieces, tokenise
from gateway.demo.generation.turns import Conversation, Kind, Turn, take_turn
from gateway.demo.refusals import Refused

_SILENCE = base64.b64encode(bytes(480)).decode()
"""10 ms of PCM with 24,000 samples of 16 bits a second, for each token."""
_ITEM_OVERHEAD = 3
_CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}

TypedEvent = tuple[Phase, str, Json]
"""Where it stands, its type, and its members besides type and event id."""


def conversation_of(items: Sequence[Json], settings: Json) -> Conversation:
    """Return what the answer to `items` depends on, under the settings of session and response."""
    users = [_text(item) for item in items if item.get("role") == "user"]
    last = items[-1] if items else {}
    limit = settings["max_output_tokens"]
    tools = {
        tool["name"]: tool.get("parameters", {"type": "object"})
        for tool in settings["tools"]
        if tool["type"] == "function"
    }
    return Conversation(
        text=users[-1] if users else "",
        tool_output=last["output"] if last.get("type") == "function_call_output" else None,
        tools=tools,
        tool_choice=_chosen(settings["tool_choice"], tools),
        limit=None if limit == "inf" else limit,
    )


def _chosen(choice: Any, tools: Json) -> str:
    if isinstance(choice, str):
        return choice
    if choice.get("name") not in tools:
        raise Refused(
            400,
            f"Invalid value for 'tool_choice': no function named '{choice.get('name')}' was"
            " specified in the 'tools' parameter.",
            param="tool_choice",
        )
    return f"={choice['name']}"


def _text(item: Json) -> str:
    return "".join(
        part.get("text") or part.get("transcript") or f"[{part['type']}]"
        for part in item["content"]
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """A response under way. `settings` are the session's, with the response's own on top."""

    ids: ReplyIds
    settings: Json
    items: Sequence[Json]
    conversation_id: str | None
    scenario: Scenario
    turn: Turn

    @property
    def id(self) -> str:
        """The response's id."""
        return self.ids.prefixed("resp_")

    def output(self) -> list[Json]:
        """Return the finished items."""
        if self.turn.kind is not Kind.CALLS:
            return [self._message()]
        return [
            {
                "id": f"{self.ids.prefixed('item_')}_{place}",
                "object": "realtime.item",
                "type": "function_call",
                "status": self._status,
                "call_id": f"{self.ids.prefixed('call_')}_{place}",
                "name": call.name,
                "arguments": call.arguments.text,
            }
            for place, call in enumerate(self.turn.calls)
        ]

    def _message(self) -> Json:
        return {
            "id": self.ids.prefixed("item_"),
            "object": "realtime.item",
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": [self._part()],
        }

    @property
    def _is_spoken(self) -> bool:
        return bool(self.settings["output_modalities"] == ["audio"])

    def _part(self) -> Json:
        text = self.turn.candidate.text
        if self._is_spoken:
            return {"type": "output_audio", "transcript": text}
        return {"type": "output_text", "text": text}

    @property
    def _status(self) -> str:
        return "incomplete" if self.turn.finish in _CUT_SHORT else "completed"

    def resource(self, status: str | None = None, details: Json | None = None) -> Json:
        """Return the response object: finished, or with another status and what it is due to."""
        finished = status is None
        reason = _CUT_SHORT.get(self.turn.finish)
        if finished and reason is not None:
            details = {"type": "incomplete", "reason": reason}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self._status if finished else status,
            "status_details": details,
            "output": self.output() if finished else [],
            "conversation_id": self.conversation_id,
            "output_modalities": self.settings["output_modalities"],
            "max_output_tokens": self.settings["max_output_tokens"],
            "audio": {"output": {n: self.settings["voice"][n] for n in ("format", "voice")}},
            "usage": self._usage() if finished else None,
            "metadata": self.settings.get("metadata"),
        }

    def _usage(self) -> Json:
        texts = [_text(item) for item in self.items if "content" in item]
        given = sum(len(tokenise(text)) + _ITEM_OVERHEAD for text in texts)
        spent = self.turn.spent
        spoken = spent if self._is_spoken and self.turn.kind is not Kind.CALLS else 0
        return {
            "total_tokens": given + spent,
            "input_tokens": given,
            "output_tokens": spent,
            "input_token_details": {
                "text_tokens": given,
                "audio_tokens": 0,
                "image_tokens": 0,
                "cached_tokens": 0,
            },
            "output_token_details": {"text_tokens": spent - spoken, "audio_tokens": spoken},
        }

    def events(self) -> Iterator[TypedEvent]:
        """Yield the events of the items, one item after another."""
        for position, item in enumerate(self.output()):
            at = {"response_id": self.id, "output_index": position}
            empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
            opened = {**item, "status": "in_progress", **empty}
            yield Phase.OPENING, "response.output_item.added", {**at, "item": opened}
            yield Phase.OPENING, "conversation.item.added", {"item": opened}
            inside = {**at, "item_id": item["id"]}
            if item["type"] == "message":
                yield from self._said(inside, item["content"][0])
            else:
                yield from _called(inside, item)
            yield Phase.CLOSING, "response.output_item.done", {**at, "item": item}
            yield Phase.CLOSING, "conversation.item.done", {"item": item}

    def _said(self, inside: Json, part: Json) -> Iterator[TypedEvent]:
        at = {**inside, "content_index": 0}
        member = "transcript" if self._is_spoken else "text"
        kind = "response.output_audio_transcript" if self._is_spoken else "response.output_text"
        yield Phase.OPENING, "response.content_part.added", {**at, "part": {**part, member: ""}}
        for piece in filter(None, pieces(self.turn.candidate.tokens)):
            yield Phase.DELTA, f"{kind}.delta", {**at, "delta": piece}
            if self._is_spoken:
                yield Phase.OPENING, "response.output_audio.delta", {**at, "delta": _SILENCE}
        if self._is_spoken:
            yield Phase.CLOSING, "response.output_audio.done", at
        yield Phase.CLOSING, f"{kind}.done", {**at, member: part[member]}
        yield Phase.CLOSING, "response.content_part.done", {**at, "part": part}


def _called(inside: Json, item: Json) -> Iterator[TypedEvent]:
    at = {**inside, "call_id": item["call_id"]}
    for piece in filter(None, pieces(tokenise(item["arguments"]))):
        yield Phase.DELTA, "response.function_call_arguments.delta", {**at, "delta": piece}
    done = {**at, "name": item["name"], "arguments": item["arguments"]}
    yield Phase.CLOSING, "response.function_call_arguments.done", done


def reply_to(
    items: Sequence[Json], settings: Json, model: str, ids: ReplyIds, conversation_id: str | None
) -> Reply:
    """Answer a conversation; raises `Refused`, also where its text asks for an error."""
    conversation = conversation_of(items, settings)
    scenario = scenario_in(conversation.text)
    scenario.refuse_if_asked(model, stream=True)
    turn = take_turn(conversation, scenario, 0)
    return Reply(ids, settings, items, conversation_id, scenario, turn)
