"""The response object: the whole reply, and a field of the first and last events of a stream.

It repeats the parameters of the request, with defaults filled in (schema `Response` of OpenAI's
OpenAPI description).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.content.sources import add_sources, has_sources, sources_of
from gateway.translate.parts.fields import created, model_name, own_response_id
from gateway.translate.parts.moderation import responses_moderation
from gateway.translate.parts.tokens.usage import responses_usage
from gateway.translate.parts.tokens.usage_sums import richer_usage
from gateway.translate.parts.tools.definitions import is_strict_schema

_SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})

ECHOED: Json = {
    # Not in OpenAI's description but in its replies; Open Responses requires both penalties.
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""Parameters that a response repeats, with OpenAI's defaults."""


@dataclass(slots=True)
class UpstreamFacts:
    """The upstream's fields of the whole reply; the first creation time and model count."""

    created: object = None
    model: object = None
    usage: object = None
    service_tier: object = None
    moderation: object = None
    counted: Json | None = None
    """The usage, if it has the form of responses already."""
    beside: Json = field(default_factory=dict)
    """Extra fields of the finished response: sources, and citations without a message."""

    @property
    def tier(self) -> str:
        """The service tier that the response shows."""
        tier = self.service_tier
        return tier if isinstance(tier, str) and tier in _SERVICE_TIERS else "default"

    @property
    def total(self) -> Json | None:
        """The usage of the finished response; None: unknown."""
        return responses_usage(self.usage) if self.counted is None else self.counted

    def note(self, event: Json) -> None:
        """Take the fields of an event or a reply."""
        # Azure's first chunk has an empty model.
        self.created = self.created or event.get("created")
        self.model = self.model or event.get("model")
        if event.get("usage"):
            self.usage = richer_usage(self.usage, event["usage"])
        for name in ("service_tier", "moderation"):
            if event.get(name):
                setattr(self, name, event[name])
        if has_sources(event):
            add_sources(self.beside, sources_of(event))


def completed(begun: int, context: Context) -> int:
    """Return when a response is complete that was created at `begun`: never before that."""
    return max(context.now, begun)


class ResponseObject:
    """Makes the response object of one reply; its id and creation time are fixed."""

    def __init__(self, client: Json, facts: UpstreamFacts, context: Context) -> None:
        self._facts = facts
        self._context = context
        self._fixed: Json = {
            "id": own_response_id(context),
            "object": "response",
            "created_at": created(facts.created, context),
            "model": model_name(facts.model, context),
            "background": False,
            "previous_response_id": None,
            "store": False,
            **ECHOED,
            **{name: value for name, value in client.items() if name in ECHOED},
            "text": {"format": {"type": "text"}, **client.get("text", {})},
            "reasoning": {
                "effort": context.reasoning_effort,
                "summary": None,
                **client.get("reasoning", {}),
            },
            "tools": [_echoed_tool(tool) for tool in client.get("tools", ())],
        }
        if "prompt_cache_retention" in client:
            self._fixed["prompt_cache_retention"] = client["prompt_cache_retention"]
        options = client.get("prompt_cache_options", {})
        if {"ttl", "mode"} <= options.keys():
            shown = {name: value for name, value in options.items() if name != "prewarm"}
            self._fixed["prompt_cache_options"] = shown
        self._moderated = "moderation" in client

    def at(
        self,
        status: str,
        output: Sequence[Json],
        *,
        error: Json | None = None,
        incomplete_reason: str | None = None,
    ) -> Json:
        """Return the object in a state of the reply; it has the usage only at the end."""
        ended = status in ("completed", "incomplete")
        facts = self._facts
        response = {
            **self._fixed,
            "status": status,
            "completed_at": None,
            "error": error,
            "incomplete_details": incomplete_reason and {"reason": incomplete_reason},
            "output": list(output),
            "service_tier": facts.tier,
            "usage": facts.total if ended else None,
        }
        if status == "completed":
            response["completed_at"] = completed(response["created_at"], self._context)
        if self._moderated and ended and isinstance(facts.moderation, dict):
            response["moderation"] = responses_moderation(facts.moderation)
        return {**response, **facts.beside} if ended else response


_FIRST = ("type", "name", "description")


def _echoed_tool(tool: Json) -> Json:
    """Return a tool with the fields that the schema of a response requires."""
    if tool["type"] == "function":
        parameters = tool.get("parameters")
        first: Json = {name: tool[name] for name in _FIRST if name in tool}
        return {**first, "parameters": None, "strict": is_strict_schema(parameters), **tool}
    if tool["type"] == "namespace":
        return {"description": "", **tool}
    return tool
