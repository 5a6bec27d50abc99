"""`previous_response_id` and `/v1/responses/{id}` for models that do not live at responses.

A chat model keeps nothing, so the gateway does: per credential, bounded, expiring, and only if the
operator has switched it on. What is kept is the conversation as items and the reply itself. What
the client has sealed (`encrypted_content`) is kept open, and sealed anew whenever it leaves: so it
outlives the secret.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import ItemNames, Json
from gateway.translate.parts.sentences import joined
from gateway.translate.seal import Seal

COMPACTION = "compaction"
"""The type of an item that stands for the conversation before it."""

_PREVIOUS = "previous_response_id"
_SEALED = "encrypted_content"
_OPENED = "gateway_opened_content"
"""Stands at rest for `encrypted_content` that is the gateway's own."""

_ID_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    COMPACTION: "cmp",
}


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One response, and the conversation that it ends: its input items and its output."""

    response: Json
    items: list[Json]
    inputs: int | None = None
    """How many of the items are input; None: it was kept before that was noted."""
    own_ids: Sequence[str] = ()
    """The ids of items that references find: those that the gateway has given."""

    @property
    def given(self) -> list[Json]:
        """The items that came before the response's own output."""
        if self.inputs is not None:
            return self.items[: self.inputs]
        output = self.response.get("output")
        spoken = [
            item
            for item in (output if isinstance(output, list) else [])
            if isinstance(item, dict) and item.get("type") != "reasoning"
        ]
        return self.items[: len(self.items) - len(spoken)]


class StoreError(Exception):
    """A store could not do what it was asked; the text says why, for the log."""


class ResponseStore(Protocol):
    """Keeps responses. `owner` is a keyed hash of a credential: nobody reads another's.

    All methods but `aclose` raise `StoreError`, within seconds: a store never holds up a request
    for long.
    """

    @property
    def secret(self) -> bytes:
        """The key of that hash: as old as the store's contents."""

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the items that are kept under these ids (`own_ids`), as far as there are any."""

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response, at the cost of the oldest ones.

        It never replaces: an id that the owner has already is a `StoreError`. Ids are 128 random
        bits, so this does not happen unless the system's random source repeats itself; what was
        kept first then stays what its id means. An item with one of `own_ids` is found in the last
        response that names it: each has it whole, and unchanged.
        """

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""

    async def aclose(self) -> None:
        """Let go of what the store holds open."""


def input_items(body: Json) -> list[Json]:
    """Return the request's own input as items; a string is a user message."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def references(body: Json) -> dict[str, int]:
    """Return the ids of the kept items that the input refers to, and where the first one stands."""
    given = body.get("input")
    found: dict[str, int] = {}
    for position, item in enumerate(given if isinstance(given, list) else ()):
        if _is_reference(item):
            found.setdefault(item["id"], position)
    return found


def _is_reference(item: object) -> TypeGuard[Json]:
    if not isinstance(item, dict):
        return False
    implied = item.get("type") is None and item.get("role") is None
    return isinstance(item.get("id"), str) and (implied or item.get("type") == "item_reference")


def own_items(body: Json, items: ItemNames | None = None) -> tuple[list[Any], ItemNames] | None:
    """Return the request's own input as items, unchecked, and what the client calls them.

    `items` is what is known of that already. None: the input is neither a text nor a list, which
    is for others to refuse.
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
    """Return the request with the earlier conversation before its input, and items for references.

    And what the client calls the items, as `items` does those of the request so far. A reference to
    an item of that conversation is none: the item is there. The earlier `instructions` are not
    carried over: OpenAI's responses do not either.
    """
    rest = {key: value for key, value in body.items() if key != _PREVIOUS}
    own = own_items(body, items)
    if own is None:
        return rest, None
    known = {item.get("id") for item in earlier}
    said: list[Any] = list(earlier)
    names: list[int | str] = [_PREVIOUS] * len(said)
    for item, name in zip(own[0], own[1].items, strict=True):
        if not _is_reference(item):
            said.append(item)
            names.append(name)
        elif item["id"] not in known:
            said.append(referred[item["id"]])
            names.append(name if isinstance(name, str) else f"input[{name}]")
    return {**rest, "input": said}, ItemNames(names)


def since_compaction(items: Sequence[Json]) -> Sequence[Json]:
    """Return a conversation from its last compaction on, which stands for what was before."""
    for position in range(len(items) - 1, -1, -1):
        if items[position].get("type") == COMPACTION and _OPENED in items[position]:
            return items[position:]
    return items


def at_rest(items: Sequence[Json], seal: Seal) -> list[Json]:
    """Return items as they are kept: what the seal opens is open."""
    return [_opened(item, seal) for item in items]


def _opened(item: Json, seal: Seal) -> Json:
    sealed = item.get(_SEALED)
    content = seal.open(sealed) if isinstance(sealed, str) else None
    if content is None:
        # Nothing that a client writes passes for what was sealed.
        return {key: item[key] for key in item if key != _OPENED} if _OPENED in item else item
    return {**{key: item[key] for key in item if key != _SEALED}, _OPENED: content}


def as_told(items: Sequence[Json], seal: Seal) -> list[Json]:
    """Return kept items as the client knows them: what is open at rest is sealed."""
    return [_closed(item, seal) for item in items]


def _closed(item: Json, seal: Seal) -> Json:
    if _OPENED not in item:
        return item
    content = item[_OPENED]
    return {**{key: item[key] for key in item if key != _OPENED}, _SEALED: seal.close(content)}


def conversation(
    body: Json, response: Json, known: Collection[str], new_id: Callable[[], str]
) -> StoredResponse:
    """Return what is kept of a response: the request's whole input, and the reply's output.

    `known` are the ids of input items that were found in the store. Input without an id gets one,
    of what `new_id` gives.
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
    said = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    own |= {item["id"] for item in said if isinstance(item.get("id"), str)}
    return StoredResponse(response, [*given, *said], len(given), sorted(own))


def not_switched_on(param: str) -> InvalidRequest:
    """Return the refusal where no store is configured."""
    return InvalidRequest(
        f"'{param}' needs stored responses: this model does not live at /v1/responses, so the "
        "gateway would have to keep them. The operator can switch that on with "
        "`responses: {store: memory://}` (or `sqlite:///path`); or send the whole conversation "
        "in `input`.",
        param=param,
        code="unsupported_parameter",
    )


def continues_twice() -> InvalidRequest:
    """Return the error for a request that continues a response and a conversation."""
    return InvalidRequest(
        "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Send only one "
        "of them.",
        param="previous_response_id",
        code="mutually_exclusive_parameters",
    )


def not_found(response_id: str) -> GatewayError:
    """Return the error for an id that is unknown, expired or another caller's."""
    return GatewayError(
        f"Previous response with id '{response_id}' not found.",
        status=400,
        type="invalid_request_error",
        param=_PREVIOUS,
        code="previous_response_not_found",
    )


def kept_elsewhere(param: str) -> InvalidRequest:
    """Return the error for what the gateway keeps, named to a model that keeps its own."""
    return InvalidRequest(
        f"'{param}' names what the gateway keeps for a model that does not live at "
        "/v1/responses. There it is not known. Send the conversation in 'input'.",
        param=param,
        code="previous_response_not_found",
    )


def item_not_found(item_id: str, position: int) -> InvalidRequest:
    """Return the error for a reference to an item that is unknown, expired or another caller's."""
    return InvalidRequest(
        f"Item with id '{item_id[:100]}' not found. The gateway keeps the items of responses that "
        "were made through it with the same key, unless they say `store: false`, until they "
        "expire. Send the item itself.",
        param=f"input[{position}]",
        code="item_not_found",
    )


def of_kept_items(error: InvalidRequest) -> InvalidRequest:
    """Return an error that says so where it is about an item of the conversation that goes on."""
    if error.param == _PREVIOUS:
        about = "This is about an item of the conversation that goes on."
        error.message = joined(error.message, about)
    return error


def unavailable() -> GatewayError:
    """Return the error for a conversation or response that cannot be read at the moment."""
    return GatewayError(
        "The gateway's stored responses cannot be read at the moment. Retry the request, or send "
        "the whole conversation in `input`.",
        status=503,
        code="store_unavailable",
        headers=(("retry-after", "1"),),
    )
