"""/v1/responses/input_tokens counts a conversation; /compact replaces it by one item.

And the items that a stored response was asked, /v1/responses/{id}/input_items.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from gateway.demo.call import RequestContext
from gateway.demo.endpoints import listing
from gateway.demo.endpoints.responses import compaction, input_tokens, items_of, usage
from gateway.demo.generation.answer import Json, ReplyIds
from gateway.demo.models import Endpoint
from gateway.demo.rules import responses as responses_rules
from gateway.demo.rules import shared
from gateway.demo.rules.checks import word

_ITEMS_PAGE = 20

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


async def request(context: RequestContext, names: frozenset[str]) -> Json:
    """Return a checked request, with the items that it refers to.

    `names` are the parameters of the endpoint. Raises `Refused`.
    """
    body = await context.call.json()
    model = shared.requested_model(body)
    shared.check_known(names, body)
    context.account.model_for(model, Endpoint.RESPONSES)
    # Null equals absent here, unlike at /v1/responses.
    given = {name: value for name, value in body.items() if value is not None}
    body = context.account.items.resolved(given)
    earlier = context.account.responses.earlier(body)
    if earlier is not None:
        items = [*earlier.items, *items_of(body)]
        body = {**body, "previous_response_id": None, "input": items}
    responses_rules.check_values(body)
    return body


def counted(body: Json) -> Json:
    """Return the number of input tokens."""
    return {"object": "response.input_tokens", "input_tokens": input_tokens(body)}


def compacted(body: Json, ids: ReplyIds) -> Json:
    """Return the compaction: one item that replaces the input from now on."""
    return {
        "id": ids.prefixed("resp_"),
        "object": "response.compaction",
        "created_at": ids.created,
        "output": [compaction(items_of(body), ids)],
        "usage": usage(input_tokens(body)),
    }


def input_items(items: Sequence[Json], known_as: str, query: str) -> Json:
    """Return a page of the items that a response was asked, the last one first by default.

    Raises `Refused`.
    """
    listed = [_listed(item, f"{known_as}_{place}") for place, item in enumerate(items)]
    order = parse_qs(query).get("order", ["desc"])[-1]
    word("asc", "desc")("order", order)
    ordered = listed if order == "asc" else listed[::-1]
    return listing.page_with_ids(ordered, query, _ITEMS_PAGE)


def _listed(item: Json, place: str) -> Json:
    """Return an item with a type and an id, and its text as a part."""
    kind, content = item.get("type", "message"), item.get("content")
    listed = {"id": f"{kind}_{place}", "type": kind, **item}
    if isinstance(content, str):
        is_said = item.get("role") == "assistant"
        part = {"type": "output_text" if is_said else "input_text", "text": content}
        listed["content"] = [part]
    return listed
