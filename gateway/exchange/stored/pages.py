"""Pages of a stored response's input items: `order`, `limit` and `after`, as in OpenAI's lists."""

from urllib.parse import parse_qs

from gateway.errors import InvalidRequest
from gateway.shapes import Json

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def page_of(items: list[Json], query: bytes) -> Json:
    """Return the page that a query string asks for, as a list object.

    `items` are in the order of the conversation and have ids. Raises `InvalidRequest`, naming the
    query parameter that is wrong.
    """
    query_values = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    limit = _limit(query_values.get("limit", str(DEFAULT_LIMIT)))
    ordered = _ordered(items, query_values.get("order", "desc"))
    start = _start(ordered, query_values.get("after"))
    page = ordered[start : start + limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + limit < len(ordered),
    }


def _limit(text: str) -> int:
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidRequest(
            f"'limit' must be a number from 1 to {MAX_LIMIT}.", param="limit", code="invalid_value"
        )
    return int(text)


def _ordered(items: list[Json], order: str) -> list[Json]:
    if order not in ("asc", "desc"):
        raise InvalidRequest("'order' must be asc or desc.", param="order", code="invalid_value")
    return items if order == "asc" else items[::-1]


def _start(items: list[Json], after: str | None) -> int:
    if after is None:
        return 0
    for position, item in enumerate(items):
        if item["id"] == after:
            return position + 1
    raise InvalidRequest(
        "'after' must be the id of an item of this response.", param="after", code="invalid_value"
    )
