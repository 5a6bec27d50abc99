"""Model lists in Anthropic's form and OpenAI's at once, for clients that read either.

Both APIs have their lists at the same paths. The union of both forms serves the clients of either,
which ignore unknown members.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlencode

import msgspec

from gateway.envelopes.printed_values import decode_body
from gateway.errors import InvalidRequest
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.shapes import Json

MAX_LIMIT = 1000
"""The most models on a page, as at Anthropic."""

_STAGES = ("lifecycle", "lifecycle[]")
"""The names of the query's field with the stages of models; the SDKs write lists with brackets."""
_LISTED = frozenset({"active", "deprecated"})
"""The stages of the models that are listed if a client asks for none."""
_LAST = 253_402_300_799
"""The last second of the year 9999, which is the last that can be written."""


def in_both_forms(card: bytes) -> bytes:
    """Return a model's card with the members of both forms; anything but an object is unchanged."""
    known = decode_body(card)
    if not isinstance(known, dict):
        return card
    both = {**_as_openai(known), **known, **_as_anthropic(known)}
    return msgspec.json.encode(both)


def page_reply(cards: Sequence[bytes], query: bytes) -> ClientReply:
    """Return a page of a list, with the cards in both forms.

    `query` may have Anthropic's `limit`, `after_id`, `before_id` and `lifecycle`; without a limit
    the page has all, and a card that does not say its stage is of an active model. Raises
    `InvalidRequest` for an invalid limit, and for an id that is not in the list.
    """
    fields = parse_qs(query.decode("ascii", "replace"))
    after, before = fields.get("after_id", [""])[-1], fields.get("before_id", [""])[-1]
    wanted = {stage for name in _STAGES for stage in fields.get(name, ())} or _LISTED
    shown = [in_both_forms(card) for card in cards if _stage_of(card) in wanted]
    ids = [_id_of(card) for card in shown]
    for name, given in (("after_id", after), ("before_id", before)):
        if given and given not in ids:
            raise InvalidRequest(f"'{name}' is not the id of a model in this list.", param=name)
    start = ids.index(after) + 1 if after else 0
    end = ids.index(before) if before else len(shown)
    limit = _limit(fields.get("limit", [""])[-1]) or len(shown)
    if before and not after:
        start, has_more = max(end - limit, 0), end > limit
    else:
        has_more = end - start > limit
        end = min(end, start + limit)
    page, named = shown[start:end], ids[start:end]
    ends = {"first_id": named[0] if named else None, "last_id": named[-1] if named else None}
    tail = msgspec.json.encode({"has_more": has_more, **ends})[1:]
    return json_reply(b'{"object":"list","data":[' + b",".join(page) + b"]," + tail)


def for_upstreams(query: bytes) -> bytes:
    """Return the part of an Anthropic client's query that upstreams get: the stages it asks for.

    The gateway makes pages itself, of the list that it composes.
    """
    asked = (
        (name, stage)
        for name, stage in parse_qsl(query.decode("ascii", "replace"))
        if name in _STAGES
    )
    return urlencode(list(asked)).encode()


def _limit(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidRequest(f"'limit' must be a number from 1 to {MAX_LIMIT}.", param="limit")
    return int(text)


def _stage_of(card: bytes) -> str:
    known = decode_body(card)
    return str((known.get("lifecycle") if isinstance(known, dict) else None) or "active")


def _id_of(card: bytes) -> str:
    known = decode_body(card)
    return str(known.get("id")) if isinstance(known, dict) else ""


def _as_openai(card: Json) -> Json:
    """Return the members that OpenAI's clients read, as far as they follow from the others."""
    members: Json = {"object": "model", "created": _seconds(card.get("created_at"))}
    return {**members, "owned_by": "anthropic"} if card.get("type") == "model" else members


def _as_anthropic(card: Json) -> Json:
    """Return the members that Anthropic's clients read, as far as they follow from the others."""
    created = card.get("created")
    known = created if type(created) is int and 0 <= created <= _LAST else 0
    name = card.get("display_name") or card.get("id")
    at = datetime.fromtimestamp(known, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "display_name": name, "created_at": card.get("created_at") or at}


def _seconds(written: object) -> int:
    """Return the Unix time of an RFC 3339 date; 0 for anything else."""
    try:
        return int(datetime.fromisoformat(str(written)).timestamp())
    except (ValueError, OverflowError):
        return 0
