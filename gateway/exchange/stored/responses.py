"""`previous_response_id` and `/v1/responses/{id}` for models that do not live at responses.

Chat servers store nothing, so the gateway does, if the operator has switched it on: per credential,
bounded, and with expiry. It stores the conversation as items, and the response. Sealed content
(`encrypted_content`) is stored unsealed and sealed again for the client, so that it outlives the
secret.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeGuard

import msgspec

from gateway.exchange.bodies.body_pieces import encode_in_pieces
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.bodies.unreadable_body import UNREADABLE
from gateway.exchange.stored.repeated_calls import answered, called, unanswered
from gateway.shapes import ItemNames, Json, Seal

COMPACTION = "compaction"
"""The type of an item that replaces the conversation before it."""

PREVIOUS = "previous_response_id"
"""The parameter by which a request continues a response."""

_REFERENCE = "item_reference"
_SEALED = "encrypted_content"
_OPENED = "gateway_opened_content"
"""Replaces, in the store, `encrypted_content` that the gateway has sealed."""

_ID_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    COMPACTION: "cmp",
}


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One response, and the conversation up to it: its input items and its output."""

    response: Json
    items: list[Json]
    inputs: int | None = None
    """How many of the items are input; None: stored by a release that did not record it."""
    own_ids: Sequence[str] = ()
    """The ids of items that references can name: those assigned by the gateway."""

    @property
    def items_before_output(self) -> list[Json]:
        """The items before the response's own output."""
        if self.inputs is not None:
            return self.items[: self.inputs]
        output = self.response.get("output")
        stored_output = [
            item
            for item in (output if isinstance(output, list) else [])
            if isinstance(item, dict) and item.get("type") != "reasoning"
        ]
        return self.items[: len(self.items) - len(stored_output)]


class StoreError(Exception):
    """A store operation failed; the text says why, for the log."""


class TooLarge(StoreError):
    """A response is larger than the store allows."""


class ResponseStore(Protocol):
    """Stores responses by owner, a keyed hash of a credential: owners see only their own.

    All methods except `aclose` raise `StoreError`, and within seconds, so that a store cannot
    delay a request for long.
    """

    @property
    def secret(self) -> bytes:
        """The key of the owners' hashes; it lives as long as the contents of the store."""

    @property
    def is_failing(self) -> bool:
        """Whether it is known that a response can probably not be stored at the moment."""

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return the response with that id; None if there is none, or it has expired."""

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the stored items among these ids (`own_ids`)."""

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Store a response; the oldest ones are evicted to make room.

        A response that is too large raises `TooLarge`. An existing id of the owner is never
        overwritten but raises `StoreError`. Ids are a time in nanoseconds and 64 random bits, so
        that happens only if the system's random source repeats itself. An item with one of
        `own_ids` is read from the last response that lists it: all have the same copy.
        """

    async def delete(self, owner: str, response_id: str) -> bool:
        """Delete a response; return whether there was one."""

    async def aclose(self) -> None:
        """Release the resources of the store."""


def input_items(body: Json) -> list[Json]:
    """Return the input of the request as items; a string is a user message."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def references(body: Json) -> dict[str, int]:
    """Return the ids of stored items that the input refers to, each with its first position."""
    given = body.get("input")
    found: dict[str, int] = {}
    for position, item in enumerate(given if isinstance(given, list) else ()):
        if _is_reference(item):
            found.setdefault(item["id"], position)
    return found


class _ItemHead(msgspec.Struct, gc=False):
    type: object = None
    role: object = None
    id: object = None


class _WithInput(msgspec.Struct, gc=False):
    input: str | list[_ItemHead] | None = None


_read_heads = msgspec.json.Decoder(_WithInput).decode


def may_refer(body: bytes) -> bool:
    """Whether a request may refer to stored items: its items are skimmed, not decoded.

    Also True for an invalid body, which is refused when it is decoded.
    """
    try:
        items = _read_heads(body).input
    except UNREADABLE:
        return True
    return isinstance(items, list) and any(_names_stored(h.id, h.type, h.role) for h in items)


def _names_stored(item_id: object, kind: object, role: object) -> bool:
    return isinstance(item_id, str) and ((kind is None and role is None) or kind == _REFERENCE)


def _is_reference(item: object) -> TypeGuard[Json]:
    return isinstance(item, dict) and _names_stored(
        item.get("id"), item.get("type"), item.get("role")
    )


def own_items(body: Json, items: ItemNames | None = None) -> tuple[list[Any], ItemNames] | None:
    """Return the input of the request as items, unchecked, and the client's names of them.

    `items` has those names if they are known already. None if the input is neither a string nor a
    list, which the check of the request refuses.
    """
    given = body.get("input")
    if given is None:
        return [], ItemNames(())
    if isinstance(given, str):
        return input_items(body), ItemNames(("input",))
    if not isinstance(given, list):
        return None
    return given, items or ItemNames(range(len(given)))


def continued(
    body: Json,
    earlier: Sequence[Json],
    referred: Mapping[str, Json],
    items: ItemNames | None = None,
) -> tuple[Json, ItemNames | None]:
    """Return the request with the conversation before its input and its references resolved.

    Also returns the client's names of all items; `items` has those of the request so far. A
    reference to an item of the conversation is removed, as the item is there, and so is a call that
    repeats one at the conversation's end. The earlier `instructions` are not carried over, as at
    OpenAI.
    """
    rest = {key: value for key, value in body.items() if key != PREVIOUS}
    own = own_items(body, items)
    if own is None:
        return rest, None
    known = {item.get("id") for item in earlier}
    repeated = unanswered((_mark(item, called), _mark(item, answered)) for item in earlier)
    whole: list[Any] = list(earlier)
    names: list[int | str] = [PREVIOUS] * len(whole)
    for item, name in zip(own[0], own[1].items, strict=True):
        if not _is_reference(item):
            if _mark(item, called) not in repeated:
                whole.append(item)
                names.append(name)
        elif item["id"] not in known:
            whole.append(referred[item["id"]])
            names.append(name if isinstance(name, str) else f"input[{name}]")
    return {**rest, "input": whole}, ItemNames(names)


def _mark(item: object, mark: Callable[[object, object], str | None]) -> str | None:
    return mark(item.get("type"), item.get("call_id")) if isinstance(item, dict) else None


def continued_body(
    body: Json,
    earlier: Sequence[Json],
    found: Mapping[str, Json],
    seal: Seal,
    items: ItemNames | None,
) -> tuple[bytes, ItemNames | None]:
    """Return the request that `continued` makes of stored items, encoded, and the items' names."""
    referred = {item_id: for_client([item], seal)[0] for item_id, item in found.items()}
    whole, names = continued(body, for_client(earlier, seal), referred, items)
    return encode_in_pieces(whole), names


def since_compaction(items: Sequence[Json]) -> Sequence[Json]:
    """Return a conversation from its last compaction on, which replaces what was before."""
    for position in range(len(items) - 1, -1, -1):
        if items[position].get("type") == COMPACTION and _OPENED in items[position]:
            return items[position:]
    return items


def at_rest(items: Sequence[Json], seal: Seal) -> list[Json]:
    """Return items as they are stored: unsealed, as far as the seal opens them."""
    return [_opened(item, seal) for item in items]


def _opened(item: Json, seal: Seal) -> Json:
    sealed = item.get(_SEALED)
    content = seal.open(sealed) if isinstance(sealed, str) else None
    if content is None:
        # A client cannot pass off a field of its own as sealed content.
        return {key: item[key] for key in item if key != _OPENED} if _OPENED in item else item
    return {**{key: item[key] for key in item if key != _SEALED}, _OPENED: content}


def for_client(items: Sequence[Json], seal: Seal) -> list[Json]:
    """Return stored items as the client knows them: sealed again."""
    return [_closed(item, seal) for item in items]


def _closed(item: Json, seal: Seal) -> Json:
    if _OPENED not in item:
        return item
    content = item[_OPENED]
    return {**{key: item[key] for key in item if key != _OPENED}, _SEALED: seal.close(content)}


def conversation(
    body: Json, response: Json, known: Collection[str], new_id: Callable[[], str]
) -> StoredResponse:
    """Return what is stored of a response: the whole input of the request, and the output.

    `known` are the ids of input items that came from the store. Input items without an id get one
    from `new_id`.
    """
    own = set(known)
    given: list[Json] = []
    for item in input_items(body):
        if not isinstance(item.get("id"), str):
            kind = item.get("type") or "message"
            item_id = f"{_ID_PREFIXES.get(kind, str(kind)[:32])}_{new_id()}"
            own.add(item_id)
            given.append({**item, "id": item_id})
        else:
            given.append(item)
    output = response.get("output")
    new = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    own |= {item["id"] for item in new if isinstance(item.get("id"), str)}
    return StoredResponse(response, [*given, *new], len(given), sorted(own))


def as_stored(
    body: bytes, response: Json, known: Collection[str], seal: Seal, new_id: Callable[[], str]
) -> StoredResponse:
    """Return what `conversation` makes of a request's body, with nothing sealed in it."""
    stored = conversation(read_object(body), response, known, new_id)
    output = at_rest(response.get("output", ()), seal)
    items = at_rest(stored.items, seal)
    return replace(stored, response={**response, "output": output}, items=items)
