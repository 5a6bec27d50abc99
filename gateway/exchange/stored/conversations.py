"""Stores the responses that the gateway makes, and continues conversations from them."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from secrets import token_hex
from typing import Any

import msgspec
from cachetools import LRUCache
from msgspec import structs

from gateway.config.checks.problems import counted
from gateway.config.settings import ClientSettings
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.bodies.request_fields import Routed, decode_field, read_object
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.stored.callers import owner_of
from gateway.exchange.stored.errors import (
    NOT_STORED_PROBABLY,
    continues_twice,
    item_not_found,
    kept_elsewhere,
    not_found,
    not_stored,
    not_switched_on,
    unavailable,
)
from gateway.exchange.stored.kept_body import KeptBody
from gateway.exchange.stored.recording import RecordingTranslation
from gateway.exchange.stored.responses import (
    PREVIOUS,
    ResponseStore,
    StoredResponse,
    StoreError,
    TooLarge,
    as_stored,
    continued_body,
    for_client,
    may_refer,
    references,
    since_compaction,
)
from gateway.exchange.stored.seals import CallersSeal, Seals
from gateway.request import GenerationRequest
from gateway.shapes import Json, RawHeaders
from gateway.translate.contract import Translation
from gateway.translate.schema.errors import must_be

log = logging.getLogger("gateway")

_MOST_LOST = 1000
_ITEM_BYTES = 500  # of a stored item, roughly
_MOST_ITEMS = 100_000
"""As many items as Anthropic's API allows in a conversation; a store takes a second for them."""
_FAILED = "the gateway's store of responses failed"


_NOT_KNOWN = (400, 404)
"""The statuses with which servers refuse an unknown response or item."""


@dataclass(frozen=True, slots=True)
class Continued:
    """A call with the conversation that it continues; `known` are the ids of stored items in it."""

    call: GenerationRequest
    known: Collection[str] = ()


class ResponseMemory:
    """Stored responses, by caller. `store` None: nothing is stored."""

    def __init__(self, store: ResponseStore | None, seals: Seals) -> None:
        self._store = store
        self._seals = seals
        self._apart = Apart()
        self._failures = 0
        self.not_stored = 0
        """How many responses could not be stored."""
        self._lost: LRUCache[tuple[str, str], str] = LRUCache(_MOST_LOST)
        """Why responses could not be stored, by owner and id: told to clients that continue one."""

    async def continue_from(self, call: GenerationRequest, routed: Routed) -> Continued:
        """Return the call with the conversation of its `previous_response_id`.

        `routed` has the fields read of its body. Stored items that the input refers to are filled
        in. Raises `InvalidRequest` for an unknown id, for any id if there is no store, and if
        `conversation` is set as well; `GatewayError` (503) if the store cannot be read. Without a
        store references stay as they are; the translation refuses them.
        """
        previous = decode_field(routed.previous_response_id, PREVIOUS)
        if previous is None and (self._store is None or not may_refer(call.body)):
            return Continued(call)
        if previous is not None and decode_field(routed.conversation, "conversation") is not None:
            raise continues_twice()
        if self._store is None:
            raise not_switched_on(PREVIOUS)
        body = await self._apart.run_large(len(call.body), partial(read_object, call.body))
        referred = references(body)
        if previous is None and not referred:
            return Continued(call)
        earlier = await self._earlier(call, previous)
        known = {item["id"] for item in earlier if isinstance(item.get("id"), str)}
        found = await self._items(self._owner(call.headers, call.client), referred.keys() - known)
        for item_id, position in referred.items():
            if item_id not in known and item_id not in found:
                raise item_not_found(item_id, position)
        write = partial(continued_body, body, earlier, found, self._seal(call), call.items)
        size = len(call.body) + len(earlier) * _ITEM_BYTES
        sent, items = await self._apart.run_large(size, write)
        return Continued(structs.replace(call, body=sent, items=items), known | found.keys())

    async def stored_parameter(
        self, headers: RawHeaders, client: ClientSettings | None, body: Json
    ) -> str | None:
        """Return the first parameter of a request that names something stored for its caller."""
        owner, previous = self._owner(headers, client), body.get("previous_response_id")
        if isinstance(previous, str) and await self._find(owner, previous) is not None:
            return "previous_response_id"
        referred = references(body)
        found = await self._items(owner, referred.keys())
        return next((f"input[{referred[item_id]}]" for item_id in found), None)

    def _owner(self, headers: RawHeaders, client: ClientSettings | None) -> str:
        secret = b"" if self._store is None else self._store.secret
        return owner_of(secret, headers, client, self._seals.identifying)

    async def refuse_kept(self, call: GenerationRequest, status: int) -> None:
        """Raise `InvalidRequest` if an upstream refused a call for an id of the gateway's store.

        The store is asked only after the upstream has refused the call with `status`.
        """
        if status in _NOT_KNOWN:
            param = await self.stored_parameter(call.headers, call.client, read_object(call.body))
            if param is not None:
                raise kept_elsewhere(param)

    async def with_stored_model(self, call: GenerationRequest) -> GenerationRequest | None:
        """Return a call without a model with the model of the stored response it continues."""
        body = read_object(call.body)
        previous = body.get("previous_response_id")
        owner = self._owner(call.headers, call.client)
        stored = await self._find(owner, previous) if isinstance(previous, str) else None
        if stored is None:
            return None
        named = {**body, "model": stored.response["model"]}
        return structs.replace(call, body=msgspec.json.encode(named))

    def recording(
        self, routed: Routed, translation: Translation, known: Collection[str] = ()
    ) -> RecordingTranslation | None:
        """Return a translation that records its response; None if there is no store.

        `routed` has the fields read of the client's own call.
        """
        if self._store is None:
            return None
        previous: Any = decode_field(routed.previous_response_id, PREVIOUS)
        kept = decode_field(routed.store, "store") is not False
        return RecordingTranslation(translation, previous, known, kept=kept)

    async def keep(
        self,
        call: GenerationRequest,
        reply: ClientReply,
        recording: RecordingTranslation,
        decision: Decision,
    ) -> ClientReply:
        """Store the response: a whole one now, a streamed one once its stream is complete.

        `call` is the translated one, with the whole conversation. A response that cannot be stored
        is delivered all the same, with a warning.
        """
        if self._store is None or not recording.kept:
            return reply
        put = partial(self._put, call, recording)
        if isinstance(reply.body, bytes):
            lost = await put()
            if lost is not None:
                decision.warn(not_stored(lost))
            return reply
        if self._store.is_failing:
            decision.warn(NOT_STORED_PROBABLY)
        return replace(reply, body=KeptBody(reply.body, recording, put))

    async def find(
        self, headers: RawHeaders, client: ClientSettings | None, response_id: str
    ) -> StoredResponse | None:
        """Return a stored response as its caller knows it; None if only an upstream may have it.

        Raises `GatewayError` (503) where the store cannot be read.
        """
        stored = await self._find(self._owner(headers, client), response_id)
        if stored is None:
            return None
        seal = self._seals.of(headers, client)
        output = stored.response.get("output")
        if isinstance(output, list):
            response = {**stored.response, "output": for_client(output, seal)}
            stored = replace(stored, response=response)
        return replace(stored, items=for_client(stored.items, seal))

    async def delete(
        self, headers: RawHeaders, client: ClientSettings | None, response_id: str
    ) -> bool:
        """Delete a stored response; return whether there was one. Raises as `find` does."""
        if self._store is None:
            return False
        try:
            return await self._store.delete(self._owner(headers, client), response_id)
        except StoreError as error:
            self._note_failure("a stored response could not be deleted", error)
            raise unavailable(deleting=True) from None

    async def aclose(self) -> None:
        """Close the store."""
        if self._store is not None:
            await self._store.aclose()

    async def _earlier(self, call: GenerationRequest, previous: object) -> list[Json]:
        """Return the stored conversation of the response that a call continues."""
        if previous is None:
            return []
        if not isinstance(previous, str):
            raise must_be("previous_response_id", "a string")
        owner = self._owner(call.headers, call.client)
        stored = await self._find(owner, previous)
        if stored is None:
            lost = self._lost.get((owner, previous))
            raise not_found(previous, lost)
        return list(since_compaction(stored.items))

    async def _find(self, owner: str, response_id: str) -> StoredResponse | None:
        if self._store is None:
            return None
        try:
            return await self._store.get(owner, response_id)
        except StoreError as error:
            self._note_failure("a stored response could not be read", error)
            raise unavailable() from None

    async def _items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        if self._store is None or not ids:
            return {}
        try:
            return await self._store.items(owner, ids)
        except StoreError as error:
            self._note_failure("stored items could not be read", error)
            raise unavailable() from None

    async def _put(self, call: GenerationRequest, recording: RecordingTranslation) -> str | None:
        """Store the response; return the reason if that was not possible, else None."""
        response = recording.response
        if self._store is None or response is None or not isinstance(response.get("id"), str):
            return None
        seal, known = self._seal(call), recording.known
        write = partial(as_stored, call.body, response, known, seal, partial(token_hex, 16))
        stored = await self._apart.run_large(len(call.body), write)
        owner = self._owner(call.headers, call.client)
        if len(stored.items) > _MOST_ITEMS:
            why = f"it has {len(stored.items):,} items, of which {_MOST_ITEMS:,} can be stored"
            return self._note_lost(owner, response["id"], why)
        try:
            await self._store.put(owner, response["id"], stored)
        except TooLarge as error:
            return self._note_lost(owner, response["id"], f"it is too large ({error})")
        except StoreError as error:
            self._note_failure("a response could not be stored", error)
            return self._note_lost(owner, response["id"], _FAILED)
        except Exception:
            log.exception("a response could not be stored")
            return self._note_lost(owner, response["id"], _FAILED)
        self._note_success()
        return None

    def _note_lost(self, owner: str, response_id: str, why: str) -> str:
        self.not_stored += 1
        self._lost[owner, response_id] = why
        return why

    def _seal(self, call: GenerationRequest) -> CallersSeal:
        return self._seals.of(call.headers, call.client)

    def _note_failure(self, what: str, error: StoreError) -> None:
        """Log the first of consecutive failures only: a full disk fails every request."""
        self._failures += 1
        if self._failures == 1:
            log.error("%s: %s; more such failures are counted, not logged", what, error)

    def _note_success(self) -> None:
        """Log that responses are stored again after failures."""
        if self._failures:
            log.warning("responses are stored again, after %s", counted(self._failures, "failure"))
            self._failures = 0
