"""/v1/responses: the turn that `gateway.demo.turns` decides on, as output items and events.

Nothing is stored: `previous_response_id` is never found.
"""

from collections.abc import Iterator
from typing import Any

from gateway.demo import refusals, responses_rules
from gateway.demo.answer import Answer, Event, Json, Stamp
from gateway.demo.chat import content_text
from gateway.demo.generation import tokenise
from gateway.demo.logprobs import entry
from gateway.demo.models import DemoModel
from gateway.demo.responses_stream import ResponseStream, response_event
from gateway.demo.scenarios import Scenario, scenario_in
from gateway.demo.turns import Asked, Kind, Turn, reasoning_tokens, take

_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def answer(body: Json, model: DemoModel, stamp: Stamp) -> Answer:
    """Check a request and answer it; raises `Refused`."""
    responses_rules.check(body, model)
    asked = _asked(body, model)
    scenario = scenario_in(asked.text)
    scenario.refuse_if_asked(model.id, stream=bool(body.get("stream")))
    reply = _Reply(body, model, stamp, scenario, asked)
    return Answer(scenario, reply.whole, reply.events, reply.failure)


def _items(body: Json) -> list[Json]:
    given = body["input"]
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [item for item in given if isinstance(item, dict)]


def _asked(body: Json, model: DemoModel) -> Asked:
    items = _items(body)
    users = [content_text(item["content"]) for item in items if item.get("role") == "user"]
    last = items[-1] if items else {}
    answered = last.get("type") == "function_call_output"
    tools = [tool for tool in body.get("tools", ()) if tool["type"] == "function"]
    parallel = body.get("parallel_tool_calls")
    return Asked(
        text=users[-1] if users else "",
        tool_output=content_text(last["output"]) if answered else None,
        tools={tool["name"]: tool.get("parameters") or {"type": "object"} for tool in tools},
        tool_choice=_tool_choice(body, {tool["name"] for tool in tools}),
        parallel=parallel is not False,
        format=body.get("text", {}).get("format", {"type": "text"}),
        limit=body.get("max_output_tokens"),
        hidden=reasoning_tokens(model, (body.get("reasoning") or {}).get("effort")),
    )


def _tool_choice(body: Json, known: set[str]) -> str:
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, str):
        return choice
    if choice["type"] == "allowed_tools":
        return str(choice["mode"])
    if choice["name"] not in known:
        raise refusals.Refused(
            400,
            f"Tool choice '{choice['name']}' not found in 'tools' parameter.",
            param="tool_choice",
        )
    return f"={choice['name']}"


class _Reply:
    """One turn, ready to be written whole or as events."""

    def __init__(
        self, body: Json, model: DemoModel, stamp: Stamp, scenario: Scenario, asked: Asked
    ) -> None:
        self._body = body
        self._model = model
        self._stamp = stamp
        self._asked = asked
        self._turn: Turn = take(asked, scenario, 0)
        logprobs = "message.output_text.logprobs" in (body.get("include") or ())
        self._top: int | None = (body.get("top_logprobs") or 0) if logprobs else None

    def _object(self, status: str, output: list[Json], **more: Any) -> Json:
        body = self._body
        echoed = {
            name: body.get(name)
            for name in (
                "instructions",
                "max_output_tokens",
                "max_tool_calls",
                "previous_response_id",
                "prompt_cache_key",
                "safety_identifier",
                "user",
            )
        }
        reasoning = body.get("reasoning") or {}
        response: Json = {
            "id": self._stamp.id("resp_"),
            "object": "response",
            "created_at": self._stamp.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "model": self._model.id,
            "output": output,
            "parallel_tool_calls": self._asked.parallel,
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "service_tier": "default",
            "store": body.get("store") is not False,
            "temperature": self._or_default("temperature", 1.0),
            "text": {"format": {"type": "text"}, "verbosity": "medium"} | body.get("text", {}),
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": body.get("tools", []),
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

    def _usage(self) -> Json:
        texts = [
            content_text(item["content"]) for item in _items(self._body) if item.get("content")
        ]
        given = sum(len(tokenise(text)) + 3 for text in texts)
        given += len(tokenise(self._body.get("instructions") or ""))
        return {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self._turn.spent,
            "output_tokens_details": {"reasoning_tokens": self._turn.said.hidden},
            "total_tokens": given + self._turn.spent,
        }

    def whole(self) -> Json:
        """Return the finished response object."""
        reason = _REASONS.get(self._turn.finish)
        more: Json = {"usage": self._usage()}
        if reason is None:
            more["completed_at"] = self._stamp.created
        else:
            more["incomplete_details"] = {"reason": reason}
        return self._object(self._status, self._output(), **more)

    @property
    def _status(self) -> str:
        return "incomplete" if self._turn.finish in _REASONS else "completed"

    def _output(self) -> list[Json]:
        items = [self._reasoning()] if self._turn.said.hidden else []
        if self._turn.kind is Kind.CALLS:
            return items + [self._call(place) for place, _ in enumerate(self._turn.calls)]
        silent = self._turn.said.hidden and not self._turn.said.tokens
        return items if silent and self._turn.finish == "length" else [*items, self._message()]

    def _reasoning(self) -> Json:
        return {"id": self._stamp.id("rs_"), "type": "reasoning", "summary": []}

    def _message(self) -> Json:
        return {
            "id": self._stamp.id("msg_"),
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": [self._part()],
        }

    def _part(self) -> Json:
        text = self._turn.said.text
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
        return [entry(token, self._top) for token in self._turn.said.scored()]

    def _call(self, place: int) -> Json:
        call = self._turn.calls[place]
        cut = call.arguments.finish == "length"
        return {
            "id": f"{self._stamp.id('fc_')}_{place}",
            "type": "function_call",
            "status": "incomplete" if cut else "completed",
            "call_id": f"{self._stamp.id('call_')}_{place}",
            "name": call.name,
            "arguments": call.arguments.text,
        }

    def events(self) -> Iterator[Event]:
        """Yield the response as events."""
        options = self._body.get("stream_options") or {}
        stream = ResponseStream(
            started=self._object("in_progress", []),
            finished=self.whole(),
            tokens=self._turn.said.tokens,
            noisy=options.get("include_obfuscation", True),
        )
        return stream.events()

    def failure(self, sent: int) -> Iterator[bytes]:
        """Yield the events that end a failing stream after `sent` events.

        The error is given both flat, as documented, and nested, as sent (openai-dotnet#881).
        """
        error = refusals.server_error()
        flat = {"code": "server_error", "message": error.message, "param": None}
        nested = {"type": "server_error", **flat}
        yield response_event("error", sent, {**flat, "error": nested})
        reason = {"code": "server_error", "message": error.message}
        failed = self._object("failed", [], error=reason)
        yield response_event("response.failed", sent + 1, {"response": failed})
