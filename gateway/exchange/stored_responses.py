"""`previous_response_id` and `/v1/responses/{id}` for models that do not live at responses.

A chat model keeps nothing, so the gateway does: per credential, bounded, expiring, and only if the
operator has switched it on. What is kept is the conversation as input items and the reply itself.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One response, and the conversation that it ends: its input items and its output."""

    response: Json
    items: list[Json]


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

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response, at the cost of the oldest ones.

        It never replaces: an id that the owner has already is a `StoreError`. Ids are 128 random
        bits, so this does not happen unless the system's random source repeats itself; what was
        kept first then stays what its id means.
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


def continued(body: Json, stored: StoredResponse) -> Json:
    """Return the request with the earlier conversation before its input.

    The earlier `instructions` are not carried over: OpenAI's responses do not either.
    """
    rest = {key: value for key, value in body.items() if key != "previous_response_id"}
    return {**rest, "input": [*stored.items, *input_items(body)]}


def conversation(body: Json, response: Json) -> list[Json]:
    """Return the conversation so far: the request's whole input, then the reply's output.

    Output items lose their ids: they are the gateway's own, and a chat model knows none.
    """
    output = response.get("output")
    items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    spoken = [
        {key: value for key, value in item.items() if key not in ("id", "status")}
        for item in items
        if item.get("type") != "reasoning"
    ]
    return [*input_items(body), *spoken]


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


def not_found(response_id: str) -> GatewayError:
    """Return the error for an id that is unknown, expired or another caller's."""
    return GatewayError(
        f"Previous response with id '{response_id}' not found.",
        status=400,
        type="invalid_request_error",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def unavailable() -> GatewayError:
    """Return the error for a conversation or response that cannot be read at the moment."""
    return GatewayError(
        "The gateway's stored responses cannot be read at the moment. Retry the request, or send "
        "the whole conversation in `input`.",
        status=503,
        code="store_unavailable",
        headers=(("retry-after", "1"),),
    )
