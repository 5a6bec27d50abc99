"""/v1/responses: the turn that `generation.turns` decides on, as output items and events.

Responses and their items are stored unless `store` is false: see `gateway.demo.kept_responses` and
`gateway.demo.kept_items`. A WebSocket finds those only that it remembers itself
(`gateway.demo.sockets.memory`).
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.demo.endpoints.chat import content_text
from gateway.demo.endpoints.responses_stream import ResponseStream, response_event
from gateway.demo.generation.answer import Answer, Event, Json, ReplyIds, encoded
from gateway.demo.generation.logprobs import entry
from gateway.demo.generation.scenarios import scenario_in
from gateway.demo.generation.tokens import tokenise
from gateway.demo.generation.turns import Conversation, Kind, Turn, reasoning_tokens, take_turn
from gateway.demo.models import DemoModel
from gateway.demo.refusals.service import server_error
from gateway.demo.rules import responses as responses_rules
from gateway.demo.rules.responses_tools import Function, chosen, echoed_tools, functions

_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
_FUNCTION = ("fc_", "function_call", "arguments")
_CUSTOM = ("ctc_", "custom_tool_call", "input")
"""Forms of an item that is a call: how its id begins, its type, and the field of its text."""
_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "user",
)
"""Parameters that the response object repeats as they were sent."""


def answer(body: Json, model: DemoModel, ids: ReplyIds, *, previous: str | None = None) -> Answer:
    """Check a request and answer it; raises `Refused`.

    `previous` is the id of the response that it continues, whose items its input begins with.
    """
    responses_rules.check(body, model)
    body = {**body, "previous_response_id": previous}
    items = items_of(body)
    known = functions(body, items)
    conversation = _conversation(body, model, known)
    scenario = scenario_in(conversation.text)
    scenario.refuse_if_asked(model.id, stream=bool(body.get("stream")))
    turn = take_turn(conversation, scenario, 0)
    reply = _Reply(body, model, ids, conversation, turn, known)
    return Answer(scenario, reply.whole, reply.events, reply.failure)


def items_of(body: Json) -> list[Json]:
    """Return the input as items."""
    given = body.get("input") or ()
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [item for item in given if isinstance(item, dict)]


def input_tokens(body: Json) -> int:
    """Return the tokens of a checked request's input and instructions."""
    texts = [content_text(item["content"]) for item in items_of(body) if item.get("content")]
    given = sum(len(tokenise(text)) + 3 for text in texts)
    return given + len(tokenise(body.get("instructions") or ""))


def usage(given: int, spent: int = 0, hidden: int = 0) -> Json:
    """Return the usage: tokens of the input, generated tokens, and the reasoning's among those."""
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": spent,
        "output_tokens_details": {"reasoning_tokens": hidden},
        "total_tokens": given + spent,
    }


def compaction(items: Sequence[Json], ids: ReplyIds) -> Json:
    """Return the opaque item that replaces a conversation: here, the base64 of its JSON."""
    content = base64.b64encode(encoded(items)).decode()
    return {"id": ids.prefixed("cmp_"), "type": "compaction", "encrypted_content": content}


def _conversation(body: Json, model: DemoModel, known: Mapping[str, Function]) -> Conversation:
    items = items_of(body)
    users = [content_text(item["content"]) for item in items if item.get("role") == "user"]
    last = items[-1] if items else {}
    answered = last.get("type") in ("function_call_output", "custom_tool_call_output")
    parallel = body.get("parallel_tool_calls")
    return Conversation(
        text=users[-1] if users else "",
        tool_output=content_text(last["output"]) if answered else None,
        tools={name: function.parameters for name, function in known.items()},
        free=[name for name, function in known.items() if function.is_free],
        tool_choice=chosen(body, known),
        parallel=parallel is not False,
        format=body.get("text", {}).get("format", {"type": "text"}),
        limit=body.get("max_output_tokens"),
        hidden=reasoning_tokens(model, (body.get("reasoning") or {}).get("effort")),
    )


class _Reply:
    """One turn, ready to be written whole or as events."""

    def __init__(
        self,
        body: Json,
        model: DemoModel,
        ids: ReplyIds,
        conversation: Conversation,
        turn: Turn,
        known: Mapping[str, Function],
    ) -> None:
        self._body = body
        self._model = model
        self._ids = ids
        self._conversation = conversation
        self._turn = turn
        self._known = known
        logprobs = "message.output_text.logprobs" in (body.get("include") or ())
        self._top: int | None = (body.get("top_logprobs") or 0) if logprobs else None

    def _object(self, status: str, output: list[Json], **more: Any) -> Json:
        body = self._body
        echoed = {name: body.get(name) for name in _ECHOED}
        reasoning = body.get("reasoning") or {}
        response: Json = {
            "id": self._ids.prefixed("resp_"),
            "object": "response",
            "created_at": self._ids.created,
            "completed_at": None,
            "status": status,
            "background": False,
            "error": None,
            "frequency_penalty": 0.0,
            "incomplete_details": None,
            "model": self._model.id,
            "output": output,
            "parallel_tool_calls": self._conversation.parallel,
            "presence_penalty": 0.0,
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "service_tier": "default",
            "store": body.get("store") is not False,
            "temperature": self._or_default("temperature", 1.0),
            "text": {"format": {"type": "text"}, "verbosity": "medium"} | body.get("text", {}),
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": echoed_tools(body),
            "top_logprobs": self._or_default("top_logprobs", 0),
            "top_p": self._or_default("top_p", 1.0),
            "truncation": self._or_default("truncation", "disabled"),
            "usage": None,
            "metadata": self._or_default("metadata", {}),
        }
        return response | echoed | more

    def _or_default(self, name: str, default: Any) -> Any:
        given = self._body.get(name)
        return default if given is None else given

    def whole(self) -> Json:
        """Return the finished response object."""
        reason = _REASONS.get(self._turn.finish)
        turn = self._turn
        given = input_tokens(self._body)
        more: Json = {"usage": usage(given, turn.spent, turn.candidate.hidden)}
        if reason is None:
            more["completed_at"] = self._ids.created
        else:
            more["incomplete_details"] = {"reason": reason}
        return self._object(self._status, self._output(), **more)

    @property
    def _status(self) -> str:
        return "incomplete" if self._turn.finish in _REASONS else "completed"

    def _output(self) -> list[Json]:
        given = items_of(self._body)
        if given and given[-1].get("type") == "compaction_trigger":
            return [compaction(given[:-1], self._ids)]
        items = [self._reasoning()] if self._turn.candidate.hidden else []
        if self._turn.kind is Kind.CALLS:
            return items + [self._call(place) for place, _ in enumerate(self._turn.calls)]
        silent = self._turn.candidate.hidden and not self._turn.candidate.tokens
        return items if silent and self._turn.finish == "length" else [*items, self._message()]

    def _reasoning(self) -> Json:
        item: Json = {"id": self._ids.prefixed("rs_"), "type": "reasoning", "summary": []}
        if "reasoning.encrypted_content" in (self._body.get("include") or ()):
            item["encrypted_content"] = base64.b64encode(self._ids.prefixed("").encode()).decode()
        return item

    def _message(self) -> Json:
        return {
            "id": self._ids.prefixed("msg_"),
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": [self._part()],
        }

    def _part(self) -> Json:
        text = self._turn.candidate.text
        if self._turn.kind is Kind.REFUSAL:
            return {"type": "refusal", "refusal": text}
        return {
            "type": "output_text",
            "text": text,
            "annotations": [],
            "logprobs": self._logprobs(),
        }

    def _logprobs(self) -> list[Json]:
        if self._top is None:
            return []
        return [entry(token, self._top) for token in self._turn.candidate.scored()]

    def _call(self, place: int) -> Json:
        call = self._turn.calls[place]
        cut = call.arguments.finish == "length"
        namespace = self._known[call.name].namespace
        prefix, kind, field = _CUSTOM if call.is_free else _FUNCTION
        return {
            "id": f"{self._ids.prefixed(prefix)}_{place}",
            "type": kind,
            "status": "incomplete" if cut else "completed",
            "call_id": f"{self._ids.prefixed('call_')}_{place}",
            "name": call.name,
            field: call.arguments.text,
            **({} if namespace is None else {"namespace": namespace}),
        }

    def events(self) -> Iterator[Event]:
        """Yield the response as events."""
        options = self._body.get("stream_options") or {}
        stream = ResponseStream(
            started=self._object("in_progress", []),
            finished=self.whole(),
            tokens=self._turn.candidate.tokens,
            noisy=options.get("include_obfuscation", True),
        )
        return stream.events()

    def failure(self, sent: int) -> Iterator[bytes]:
        """Yield the events that end a failing stream after `sent` events.

        The error is given both flat, as documented, and nested, as sent (openai-dotnet#881).
        """
        error = server_error()
        flat = {"code": "server_error", "message": error.message, "param": None}
        nested = {"type": "server_error", **flat}
        yield response_event("error", sent, {**flat, "error": nested})
        reason = {"code": "server_error", "message": error.message}
        failed = self._object("failed", [], error=reason)
        yield response_event("response.failed", sent + 1, {"response": failed})
