"""`GET /v1/models` in Anthropic's form: its models, in pages."""

from urllib.parse import parse_qs

from gateway.demo.call import RequestContext
from gateway.demo.refusals.messages import invalid, no_such_model

_PAGE = 20
_LARGEST_PAGE = 1000


async def models(context: RequestContext) -> None:
    """GET /v1/models, newest first: `after_id`, `before_id`, `limit` (20)."""
    cards = [model.card() for model in context.account.messages_models.values()]
    ids = [card["id"] for card in cards]
    given = parse_qs(context.call.record.query)
    limit = _limit(given.get("limit", [str(_PAGE)])[-1])
    start, end = 0, len(cards)
    if "before_id" in given:
        end = _place(ids, given["before_id"][-1])
        start = max(end - limit, 0)
        has_more = start > 0
    else:
        if "after_id" in given:
            start = _place(ids, given["after_id"][-1]) + 1
        has_more = end > start + limit
        end = min(end, start + limit)
    page = cards[start:end]
    await context.call.reply_json(
        {
            "data": page,
            "has_more": has_more,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }
    )


async def model(context: RequestContext) -> None:
    """GET /v1/models/{model}."""
    found = context.account.messages_models.get(context.path["model"])
    if found is None:
        raise no_such_model(context.path["model"])
    await context.call.reply_json(found.card())


def _place(ids: list[object], named: str) -> int:
    if named not in ids:
        raise invalid(f"Model '{named}' not found")
    return ids.index(named)


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:9]) < 1:
        raise invalid("limit: Input should be greater than or equal to 1")
    if int(text[:9]) > _LARGEST_PAGE:
        raise invalid(f"limit: Input should be less than or equal to {_LARGEST_PAGE}")
    return int(text[:9])
