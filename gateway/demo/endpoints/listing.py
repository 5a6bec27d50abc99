"""/v1/models and the lists of /v1/fine_tuning, each limited to the caller's account."""

from collections.abc import Sequence
from urllib.parse import parse_qs

from gateway.demo.call import RequestContext
from gateway.demo.generation.answer import Json
from gateway.demo.models import PUBLIC_MODELS
from gateway.demo.refusals import Refused
from gateway.demo.refusals.models import model_card_not_found, not_deletable

_JOBS_PAGE = 20
_EVENTS_PAGE = 20
_CHECKPOINTS_PAGE = 10
_LARGEST_PAGE = 100


async def models(context: RequestContext) -> None:
    """GET /v1/models."""
    data = [model.card() for model in context.account.models.values()]
    await context.call.reply_json({"object": "list", "data": data})


async def model(context: RequestContext) -> None:
    """GET /v1/models/{model}."""
    found = context.account.models.get(context.path["model"])
    if found is None:
        raise model_card_not_found(context.path["model"])
    await context.call.reply_json(found.card())


async def delete_model(context: RequestContext) -> None:
    """DELETE /v1/models/{model}: only the organisation's own fine-tunes."""
    name = context.path["model"]
    found = context.account.models.get(name)
    if found is None:
        raise model_card_not_found(name)
    if found in PUBLIC_MODELS:
        raise not_deletable(name)
    del context.account.models[name]
    await context.call.reply_json({"id": name, "object": "model", "deleted": True})


async def jobs(context: RequestContext) -> None:
    """GET /v1/fine_tuning/jobs, newest first, in pages: `after`, `limit` (20)."""
    records = [job.record() for job in context.account.jobs]
    page, has_more = _page(records, context.call.record.query, _JOBS_PAGE)
    await context.call.reply_json({"object": "list", "data": page, "has_more": has_more})


async def events(context: RequestContext) -> None:
    """GET /v1/fine_tuning/jobs/{job}/events, newest first, in pages: `after`, `limit` (20)."""
    records = context.account.job(context.path["job"]).event_records()
    page, has_more = _page(records, context.call.record.query, _EVENTS_PAGE)
    await context.call.reply_json({"object": "list", "data": page, "has_more": has_more})


async def checkpoints(context: RequestContext) -> None:
    """GET /v1/fine_tuning/jobs/{job}/checkpoints, in pages: `after`, `limit` (10)."""
    records = context.account.job(context.path["job"]).checkpoint_records()
    page = page_with_ids(records, context.call.record.query, _CHECKPOINTS_PAGE)
    await context.call.reply_json(page)


def page_with_ids(records: Sequence[Json], query: str, default: int) -> Json:
    """Return a page of records, of `default` where the query has no `limit`; raises `Refused`."""
    page, has_more = _page(records, query, default)
    ids = [record["id"] for record in page]
    return {
        "object": "list",
        "data": page,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": has_more,
    }


def _page(records: Sequence[Json], query: str, default: int) -> tuple[Sequence[Json], bool]:
    """Return the records after the one that `after` names, and whether more follow."""
    given = parse_qs(query)
    start = 0
    if "after" in given:
        after = given["after"][-1]
        places = [place for place, record in enumerate(records) if record["id"] == after]
        if not places:
            raise Refused(404, f"No such object: {after}", param="after")
        start = places[0] + 1
    end = start + _limit(given.get("limit", [str(default)])[-1])
    return records[start:end], end < len(records)


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _LARGEST_PAGE:
        return int(text[:6])
    raise Refused(
        400,
        f"Invalid 'limit': expected an integer from 1 to {_LARGEST_PAGE}, but got '{text}'"
        " instead.",
        param="limit",
        code="invalid_value",
    )
