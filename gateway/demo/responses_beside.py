"""What stands beside /v1/responses: a conversation is measured, or compacted into one item."""

from gateway.demo import refusals, responses_rules, sampling
from gateway.demo.answer import Json, Stamp
from gateway.demo.models import Endpoint
from gateway.demo.responses import compaction, input_tokens, items_of, usage
from gateway.demo.visit import Visit

INPUT_TOKENS = frozenset(
    {
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    }
)
COMPACT = frozenset(
    {
        "input",
        "instructions",
        "model",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "service_tier",
    }
)


async def request(visit: Visit, names: frozenset[str]) -> Json:
    """Return a checked request, with the items that it refers to.

    `names` are the parameters that there are. Raises `Refused`.
    """
    body = await visit.call.json()
    asked = sampling.requested_model(body)
    for name in body:
        if name not in names:
            raise refusals.unknown_parameter(name)
    visit.account.model_for(asked, Endpoint.RESPONSES)
    # Null is as good as absent here, and not at /v1/responses.
    given = {name: value for name, value in body.items() if value is not None}
    body = visit.account.items.resolved(given)
    responses_rules.check_values(body)
    return body


def counted(body: Json) -> Json:
    """Return what the input measures."""
    return {"object": "response.input_tokens", "input_tokens": input_tokens(body)}


def compacted(body: Json, stamp: Stamp) -> Json:
    """Return the item that replaces the input from now on."""
    return {
        "id": stamp.id("resp_"),
        "object": "response.compaction",
        "created_at": stamp.created,
        "output": [compaction(items_of(body), stamp)],
        "usage": usage(input_tokens(body)),
    }
