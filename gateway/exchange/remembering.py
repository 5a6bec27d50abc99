"""Keeps the responses that the gateway made itself, and continues conversations from them."""

import hmac
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import msgspec

from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange.listed_items import page_of
from gateway.exchange.message import ClientReply, ReplyBody, read_object
from gateway.exchange.stored_responses import (
    ResponseStore,
    StoredResponse,
    StoreError,
    continued,
    conversation,
    not_found,
    not_switched_on,
    unavailable,
)
from gateway.request import GenerationRequest
from gateway.shapes import Json, RawHeaders
from gateway.translate.contract import (
    PlainTexts,
    Report,
    StreamTranslation,
    Translation,
    plain_texts_of,
)

log = logging.getLogger("gateway")

_CREDENTIAL = frozenset({b"authorization", b"api-key", b"openai-organization", b"openai-project"})
_TERMINAL = frozenset({"response.completed", "response.incomplete"})
_JSON = [(b"content-type", b"application/json")]


class ResponseMemory:
    """Stored responses, by caller. `store` None: nothing is kept."""

    def __init__(self, store: ResponseStore | None) -> None:
        self._store = store
        self._failures = 0

    async def continue_from(self, call: GenerationRequest) -> GenerationRequest:
        """Return the call with the conversation that its `previous_response_id` names.

        Raises `InvalidRequest` where nothing is kept, or not that, and `GatewayError` (503) where
        the store cannot be read.
        """
        body = read_object(call.body)
        previous = body.get("previous_response_id")
        if previous is None:
            return call
        if self._store is None:
            raise not_switched_on("previous_response_id")
        if not isinstance(previous, str):
            raise InvalidRequest(
                "'previous_response_id' must be a string.",
                param="previous_response_id",
                code="invalid_type",
            )
        stored = await self._find(call.headers, previous)
        if stored is None:
            raise not_found(previous)
        return replace(call, body=msgspec.json.encode(continued(body, stored)))

    def watch(self, call: GenerationRequest, translation: Translation) -> "Watched | None":
        """Return the translation of the client's own call, watched for its response.

        None where nothing is kept at all.
        """
        if self._store is None:
            return None
        body = read_object(call.body)
        previous = body.get("previous_response_id")
        return Watched(translation, previous, kept=body.get("store") is not False)

    async def keep(
        self, call: GenerationRequest, reply: ClientReply, watched: "Watched"
    ) -> ClientReply:
        """Keep the response: now if it is whole, else when its stream ends well.

        `call` is the one that was translated: with the whole conversation. The response is kept
        before its last event is sent: a client that has that event may at once leave, or continue
        from the response.
        """
        if not watched.kept:
            return reply
        if isinstance(reply.body, bytes):
            await self._put(call, watched)
            return reply
        body = reply.body

        async def passing() -> AsyncGenerator[bytes, None]:
            kept = False
            async for chunk in body:
                if watched.response is not None and not kept:
                    kept = True
                    await self._put(call, watched)
                yield chunk

        return replace(reply, body=ReplyBody(passing(), body.aclose, outcome=body.outcome))

    async def retrieve(self, headers: RawHeaders, response_id: str) -> ClientReply | None:
        """Return a kept response, or None: perhaps an upstream has it.

        Raises `GatewayError` (503) where the store cannot be read, as the others do.
        """
        stored = await self._find(headers, response_id)
        if stored is None:
            return None
        return ClientReply(200, list(_JSON), msgspec.json.encode(stored.response))

    async def input_items(
        self, headers: RawHeaders, response_id: str, query: bytes = b""
    ) -> ClientReply | None:
        """Return a page of the input items of a kept response, or None.

        Raises `InvalidRequest` for a query that is none.
        """
        stored = await self._find(headers, response_id)
        if stored is None:
            return None
        said = stored.items[: _spoken_before(stored)]
        items = [_listed(item, position) for position, item in enumerate(said)]
        return ClientReply(200, list(_JSON), msgspec.json.encode(page_of(items, query)))

    async def delete(self, headers: RawHeaders, response_id: str) -> ClientReply | None:
        """Forget a kept response, or return None: perhaps an upstream has it."""
        if self._store is None:
            return None
        try:
            found = await self._store.delete(self._owner(headers), response_id)
        except StoreError as error:
            self._note_failure("a stored response could not be deleted", error)
            raise unavailable() from None
        if not found:
            return None
        deleted = {"id": response_id, "object": "response", "deleted": True}
        return ClientReply(200, list(_JSON), msgspec.json.encode(deleted))

    async def aclose(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            await self._store.aclose()

    async def _find(self, headers: RawHeaders, response_id: str) -> StoredResponse | None:
        if self._store is None:
            return None
        try:
            return await self._store.get(self._owner(headers), response_id)
        except StoreError as error:
            self._note_failure("a stored response could not be read", error)
            raise unavailable() from None

    async def _put(self, call: GenerationRequest, watched: "Watched") -> None:
        response = watched.response
        if self._store is None or response is None or not isinstance(response.get("id"), str):
            return
        items = conversation(read_object(call.body), response)
        stored = StoredResponse(response, items)
        try:
            await self._store.put(self._owner(call.headers), response["id"], stored)
        except StoreError as error:
            self._note_failure("a response could not be stored", error)
        except Exception:
            log.exception("a response could not be stored")
        else:
            self._note_success()

    def _note_failure(self, what: str, error: StoreError) -> None:
        """Log the first of a row of failures: one line, however many requests a full disk meets."""
        self._failures += 1
        if self._failures == 1:
            log.error("%s: %s; more such failures are counted, not logged", what, error)

    def _note_success(self) -> None:
        """Log, after failures, that responses are stored again."""
        if self._failures:
            log.warning("responses are stored again, after %d failure(s)", self._failures)
            self._failures = 0

    def _owner(self, headers: RawHeaders) -> str:
        """Return whose responses these are: a keyed hash of the whole credential."""
        secret = self._store.secret if self._store is not None else b""
        digest = hmac.new(secret, digestmod="sha256")
        for name, value in sorted(pair for pair in headers if pair[0] in _CREDENTIAL):
            digest.update(b"%d:%s=%d:%s;" % (len(name), name, len(value), value))
        return digest.hexdigest()


def _spoken_before(stored: StoredResponse) -> int:
    """Return how many of the items came before the response's own output."""
    output = stored.response.get("output")
    spoken = [
        item
        for item in (output if isinstance(output, list) else [])
        if isinstance(item, dict) and item.get("type") != "reasoning"
    ]
    return len(stored.items) - len(spoken)


def _listed(item: Json, position: int) -> Json:
    """Return an input item as OpenAI lists it: with a type, an id, and its content in parts."""
    kind = item.get("type", "message")
    listed = {"id": f"{kind}_{position}", "type": kind, **item}
    content = item.get("content")
    if kind != "message" or not isinstance(content, str):
        return listed
    if item.get("role") != "assistant":
        return {**listed, "content": [{"type": "input_text", "text": content}]}
    part = {"type": "output_text", "text": content, "annotations": [], "logprobs": []}
    return {"status": "completed", **listed, "content": [part]}


class Watched:
    """A translation that lets its finished response be seen, and tells the client that it is kept.

    `previous` is the response that the client continues from.
    """

    def __init__(self, translation: Translation, previous: str | None, *, kept: bool) -> None:
        self._translation = translation
        self._stored = {"store": kept, "previous_response_id": previous}
        self.kept = kept
        self.response: Json | None = None

    @property
    def report(self) -> Report:
        """The translation's report; `store` is not dropped where the gateway obeys it."""
        report = self._translation.report
        if not self.kept:
            return report
        return replace(report, dropped=[name for name in report.dropped if name != "store"])

    @property
    def calls(self) -> Sequence[Json]:
        """The translation's calls."""
        return self._translation.calls

    def local_reply(self) -> Json | None:
        """Return the translation's own reply."""
        return self._translation.local_reply()

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold, and note the response."""
        self.response = self.told(self._translation.reply(replies))
        return self.response

    def told(self, response: Json) -> Json:
        """Return a response as the client is told of it."""
        return {**response, **self._stored}

    def stream(self) -> StreamTranslation:
        """Return the fold, noting the response in its last event."""
        return _WatchedStream(self._translation.stream(), self)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter."""
        return self._translation.client_param(call, param)


class _WatchedStream:
    def __init__(self, stream: StreamTranslation, watched: Watched) -> None:
        self._stream = stream
        self._watched = watched
        self.satisfied = stream.satisfied

    def feed(self, call: int, event: Json) -> list[Json]:
        return self._seen(self._stream.feed(call, event))

    def end(self, call: int) -> list[Json]:
        return self._seen(self._stream.end(call))

    def fail(self, error: GatewayError) -> list[Json]:
        return self._seen(self._stream.fail(error))

    def plain_texts(self) -> PlainTexts | None:
        """Offer what the stream does: its texts are in no event that has a response."""
        return plain_texts_of(self._stream)

    def _seen(self, events: list[Json]) -> list[Json]:
        return [self._noted(event) if "response" in event else event for event in events]

    def _noted(self, event: Json) -> Json:
        response = self._watched.told(event["response"])
        if event["type"] in _TERMINAL:
            self._watched.response = response
        return {**event, "response": response}
