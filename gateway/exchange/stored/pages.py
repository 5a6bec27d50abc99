"""Pages of a kept response's input items: `order`, `limit` and `after` of OpenAI's lists."""

from urllib.parse import parse_qs

from gateway.errors import InvalidRequest
from gateway.shapes import Json

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def page_of(items: list[Json], query: bytes) -> Json:
    """Return the list object of the page that a query string asks for.

    `items` are in the conversation's order and have ids. Raises `InvalidRequest` naming the query
    parameter that is wrong.
    """
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    limit = _limit(asked.get("limit", str(DEFAULT_LIMIT)))
    ordered = _ordered(items, asked.get("order", "desc"))
    start = _start(ordered, asked.get("after"))
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
            f"'limit' is a number from 1 to {MAX_LIMIT}.", param="limit", code="invalid_value"
        )
    return int(text)


def _ordered(items: list[Json], order: str) -> list[Json]:
    if order not in ("asc", "desc"):
        raise InvalidRequest("'order' is asc or desc.", param="order", code="invalid_value")
    return items if order == "asc" else items[::-1]


def _start(items: list[Json], after: str | None) -> int:
    if after is None:
        return 0
    for position, item in enumerate(items):
        if item["id"] == after:
            return position + 1
    raise InvalidRequest(
        "'after' is the id of no item of this response.", param="after", code="invalid_value"
    )
