"""Hints of a messages request: cache marks, service tiers and sessions at other endpoints."""

import hashlib
from collections.abc import Iterator

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.draft import Draft
from gateway.translate.parts.from_messages.system import is_attribution
from gateway.translate.schema.messages import MESSAGES_HINTS
from gateway.translate.schema.messages_blocks import TOOL_CHANGES

_NEUTRAL = {"speed": "standard"}
_DROPPED = [name for name in MESSAGES_HINTS if name not in ("cache_control", "service_tier")]
_HOLDERS = {
    "tool_result": "content",
    "search_result": "content",
    "compaction": "tool_changes",
}
"""By a block's type, its field with further blocks."""
_TIERS = {"auto": "auto", "standard_only": "default"}


def hints(draft: Draft) -> None:
    """Send the hints that OpenAI's endpoints have too; drop and report the others."""
    drop_hints(draft)
    _service_tier(draft)
    _cache(draft)


def drop_hints(draft: Draft) -> None:
    """Report the hints that no other endpoint has."""
    client = draft.client
    for name in _DROPPED:
        if client.get(name) and client[name] != _NEUTRAL.get(name):
            draft.report.drop(name)


def _service_tier(draft: Draft) -> None:
    tier = draft.client.get("service_tier")
    if not tier:
        return
    sent = _TIERS.get(tier) if isinstance(tier, str) else None
    if sent is not None and draft.context.capabilities.hints:
        draft.upstream["service_tier"] = sent
    elif tier != "auto":
        draft.report.drop("service_tier")


def _cache(draft: Draft) -> None:
    """Send a key for the session, so that a server finds the cache of its last request.

    OpenAI caches without being asked, but spreads requests without a key over many machines, so
    that translated ones find no cache there (new-api#6538).
    """
    marked = _is_marked(draft.client)
    if draft.context.capabilities.hints:
        draft.upstream["prompt_cache_key"] = _cache_key(draft)
        if marked:
            draft.report.emulate("cache_control")
    elif marked:
        draft.report.drop("cache_control")


def _cache_key(draft: Draft) -> str:
    metadata = draft.client.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    session = draft.context.session or (user if isinstance(user, str) else None)
    return cache_key(session, _first_system_text(draft.client), draft.context)


def cache_key(session: str | None, instructions: str, context: Context) -> str:
    """Return a hash of the client's session or, without one, of the model and the instructions."""
    session = session or f"{context.model_sent}\n{instructions}"
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()[:32]


def _first_system_text(client: Json) -> str:
    given = client.get("system", "")
    texts = [given] if isinstance(given, str) else [block["text"] for block in given]
    return next((text for text in texts if not is_attribution(text)), "")


def _is_marked(client: Json) -> bool:
    """Whether a request has a `cache_control` anywhere."""
    return any(block.get("cache_control") for block in _places(client))


def _places(client: Json) -> Iterator[Json]:
    yield client
    yield from client.get("tools", ())
    contents = [client.get("system", "")]
    contents += [message["content"] for message in client["messages"]]
    for content in contents:
        for block in () if isinstance(content, str) else content:
            yield from _with_inner(block)


def _with_inner(block: Json) -> Iterator[Json]:
    """Yield a checked block, and those within it that may have a cache mark, too."""
    yield block
    kind = block["type"]
    if kind in TOOL_CHANGES:
        if block["tool"]["type"] == "tool_definition":
            yield block["tool"]["definition"]
        return
    inner = block.get(_HOLDERS.get(kind, ""))
    if kind == "document":
        inner = block["source"].get("content")
    for each in inner if isinstance(inner, list) else ():
        yield from _with_inner(each)
