"""/v1/models and the lists of /v1/fine_tuning: what one key may know, and no more."""

from collections.abc import Sequence
from urllib.parse import parse_qs

from gateway.demo import refusals
from gateway.demo.answer import Json
from gateway.demo.models import PUBLIC_MODELS
from gateway.demo.refusals import Refused
from gateway.demo.visit import Visit

_JOBS_PAGE = 20
_EVENTS_PAGE = 20
_CHECKPOINTS_PAGE = 10
_LARGEST_PAGE = 100


async def models(visit: Visit) -> None:
    """GET /v1/models."""
    data = [model.card() for model in visit.account.models.values()]
    await visit.call.reply_json({"object": "list", "data": data})


async def model(visit: Visit) -> None:
    """GET /v1/models/{model}."""
    found = visit.account.models.get(visit.path["model"])
    if found is None:
        raise refusals.model_card_not_found(visit.path["model"])
    await visit.call.reply_json(found.card())


async def delete_model(visit: Visit) -> None:
    """DELETE /v1/models/{model}: for fine-tunes only, as the organisation's own."""
    name = visit.path["model"]
    found = visit.account.models.get(name)
    if found is None:
        raise refusals.model_card_not_found(name)
    if found in PUBLIC_MODELS:
        raise refusals.not_deletable(name)
    del visit.account.models[name]
    await visit.call.reply_json({"id": name, "object": "model", "deleted": True})


async def jobs(visit: Visit) -> None:
    """GET /v1/fine_tuning/jobs, newest first, in pages: `after`, `limit` (20)."""
    records = [job.record() for job in visit.account.jobs]
    page, has_more = _page(records, visit.call.record.query, _JOBS_PAGE)
    await visit.call.reply_json({"object": "list", "data": page, "has_more": has_more})


async def events(visit: Visit) -> None:
    """GET /v1/fine_tuning/jobs/{job}/events, newest first, in pages: `after`, `limit` (20)."""
    records = visit.account.job(visit.path["job"]).event_records()
    page, has_more = _page(records, visit.call.record.query, _EVENTS_PAGE)
    await visit.call.reply_json({"object": "list", "data": page, "has_more": has_more})


async def checkpoints(visit: Visit) -> None:
    """GET /v1/fine_tuning/jobs/{job}/checkpoints, in pages: `after`, `limit` (10)."""
    records = visit.account.job(visit.path["job"]).checkpoint_records()
    page, has_more = _page(records, visit.call.record.query, _CHECKPOINTS_PAGE)
    ids = [record["id"] for record in page]
    await visit.call.reply_json(
        {
            "object": "list",
            "data": page,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": has_more,
        }
    )


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
