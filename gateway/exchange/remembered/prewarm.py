"""Prewarming: a turn with `generate: false`, which is remembered and answered without a model.

Clients send their tools and instructions ahead, and continue this response with their first words.
"""

from secrets import token_hex

from gateway.exchange.bodies.request_fields import (
    checked_model,
    decode_field,
    model_of,
    read_routed,
)
from gateway.exchange.client_reply import ClientReply, event_stream_reply
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.restricted import restrictions
from gateway.exchange.stored.responses import PREVIOUS
from gateway.request import GenerationRequest
from gateway.shapes import Json, Shape
from gateway.translate.parts.tokens.usage import responses_usage
from gateway.translate.responses_via_chat.output.response_object import ECHOED
from gateway.translate.schema.errors import must_be
from gateway.translate.stream.sse import encode_events

_SHOWN = frozenset({*ECHOED, PREVIOUS, "text", "reasoning", "tools"})
_NOTHING_USED = {"prompt_tokens": 0, "completion_tokens": 0}


def prewarmed(
    turn: Turn, request: GenerationRequest, decision: Decision, now: float
) -> ClientReply:
    """Return an empty response to a turn, as events; `now` is the Unix time.

    Raises `GatewayError` for a request that no model would get.
    """
    call = request.with_body(turn.body)
    if call.client is not None and call.client.is_restricted:
        restrictions.check_generation(call)
    routed = read_routed(call.body)
    decision.model_asked = checked_model(call.model) if call.model else model_of(routed)
    if not turn.has_input:
        raise must_be("input", "a string or an array of input items")
    if isinstance(turn.previous, str):
        turn.recall(turn.previous)
    elif turn.previous is not None:
        raise must_be(PREVIOUS, "a string")
    fields = turn.fields
    shown = {name: decode_field(fields[name], name) for name in _SHOWN if name in fields}
    response = _response(shown, decision.model_asked, int(now))
    begun = {**response, "status": "in_progress", "completed_at": None, "usage": None}
    events = [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.completed", "sequence_number": 1, "response": response},
    ]
    return event_stream_reply(encode_events(Shape.RESPONSES, events))


def _response(shown: Json, model: str, now: int) -> Json:
    """Return the response, which shows parameters of the request as given."""
    given = {name: value for name, value in shown.items() if value is not None}
    echoed = {name: given.get(name, default) for name, default in ECHOED.items()}
    return {
        "id": f"resp_{token_hex(16)}",
        "object": "response",
        "created_at": now,
        "model": model,
        "background": False,
        PREVIOUS: given.get(PREVIOUS),
        "store": False,
        **echoed,
        "text": given.get("text", {"format": {"type": "text"}}),
        "reasoning": given.get("reasoning", {"effort": None, "summary": None}),
        "tools": given.get("tools", []),
        "status": "completed",
        "completed_at": now,
        "error": None,
        "incomplete_details": None,
        "output": [],
        "service_tier": "default",
        "usage": responses_usage(_NOTHING_USED),
    }
