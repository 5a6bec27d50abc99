"""Requests for stored responses by id; all return None for a response that is not stored here.

All raise `GatewayError` (503) where the store cannot be read, and `InvalidRequest` for a query
parameter with a wrong value.
"""

from urllib.parse import parse_qs

import msgspec

from gateway.errors import InvalidRequest
from gateway.exchange.client_reply import ClientReply, event_stream_reply, json_reply
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.pages import page_of
from gateway.exchange.stored.responses import StoredResponse
from gateway.request import Request
from gateway.shapes import Json, Shape
from gateway.translate.stream.replay import replayed
from gateway.translate.stream.sse import encode_events

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}


class KeptResponses:
    """Serves the stored responses of a `ResponseMemory`."""

    def __init__(self, memory: ResponseMemory) -> None:
        self._memory = memory

    async def retrieve(self, request: Request, response_id: str) -> ClientReply | None:
        """Return a response: as an object, or with `stream` as events."""
        stored = await self._find(request, response_id)
        if stored is None:
            return None
        query = _query(request.query)
        if not _boolean(query, "stream"):
            return json_reply(msgspec.json.encode(stored.response))
        after = _number(query, "starting_after")
        events = [e for e in replayed(stored.response) if e["sequence_number"] > after]
        return event_stream_reply(encode_events(Shape.RESPONSES, events))

    async def input_items(self, request: Request, response_id: str) -> ClientReply | None:
        """Return a page of the input items of a response."""
        stored = await self._find(request, response_id)
        if stored is None:
            return None
        items = [
            _listed(item, position) for position, item in enumerate(stored.items_before_output)
        ]
        return json_reply(msgspec.json.encode(page_of(items, request.query)))

    async def delete(self, request: Request, response_id: str) -> ClientReply | None:
        """Delete a response."""
        if not await self._memory.delete(request.headers, request.client, response_id):
            return None
        deleted = {"id": response_id, "object": "response", "deleted": True}
        return json_reply(msgspec.json.encode(deleted))

    async def refuse_cancel(self, request: Request, response_id: str) -> None:
        """Raise `InvalidRequest` for a stored response: it has ended."""
        if await self._find(request, response_id) is not None:
            raise InvalidRequest(
                "Cannot cancel a synchronous response: only responses that were created with "
                "`background` can be cancelled. This one has ended.",
                code="response_not_cancellable",
            )

    async def _find(self, request: Request, response_id: str) -> StoredResponse | None:
        return await self._memory.find(request.headers, request.client, response_id)


def _query(query: bytes) -> dict[str, str]:
    values = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    return {name: given[-1] for name, given in values.items()}


def _boolean(query: dict[str, str], name: str) -> bool:
    value = _BOOLEANS.get(query.get(name, "").lower())
    if value is None:
        raise InvalidRequest(f"'{name}' must be true or false.", param=name, code="invalid_value")
    return value


def _number(query: dict[str, str], name: str) -> int:
    text = query.get(name, "-1")
    if not text.removeprefix("-").isdecimal() or len(text) > 18:
        raise InvalidRequest(f"'{name}' must be a whole number.", param=name, code="invalid_value")
    return int(text)


def _listed(item: Json, position: int) -> Json:
    """Return an input item as OpenAI lists it: with a type, an id, and its content as parts."""
    kind = item.get("type", "message")
    listed = {"id": f"{kind}_{position}", "type": kind, **item}
    content = item.get("content")
    if kind != "message" or not isinstance(content, str):
        return listed
    if item.get("role") != "assistant":
        return {**listed, "content": [{"type": "input_text", "text": content}]}
    part = {"type": "output_text", "text": content, "annotations": [], "logprobs": []}
    return {"status": "completed", **listed, "content": [part]}
