"""What clients learn about stored responses: errors, and warnings beside a reply."""

from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange.stored.responses import PREVIOUS
from gateway.translate.parts.sentences import joined


def not_switched_on(param: str) -> InvalidRequest:
    """Return the error for a request that needs a store where none is configured."""
    return InvalidRequest(
        f"'{param}' needs stored responses: this model does not live at /v1/responses, so the "
        "gateway would have to store them. Ask the operator to set "
        "`responses: {store: memory://}` (or `sqlite:///path`), or send the whole conversation in "
        "`input`.",
        param=param,
        code="unsupported_parameter",
    )


def continues_twice() -> InvalidRequest:
    """Return the error for a request that continues both a response and a conversation."""
    return InvalidRequest(
        "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Send only one "
        "of them.",
        param="previous_response_id",
        code="mutually_exclusive_parameters",
    )


def not_found(response_id: str, why: str | None = None) -> GatewayError:
    """Return the error for an id that is unknown, expired or another caller's.

    With `why`, the response was made here, and could not be stored for that reason.
    """
    text = f"Previous response with id '{response_id}' not found."
    if why is not None:
        text = (
            f"{text} It could not be stored when it was made: {why}. Send the whole conversation "
            "in `input`."
        )
    return GatewayError(
        text,
        status=400,
        type="invalid_request_error",
        param=PREVIOUS,
        code="previous_response_not_found",
    )


def kept_elsewhere(param: str) -> InvalidRequest:
    """Return the error for an id of the gateway's store where the model's server has its own."""
    return InvalidRequest(
        f"'{param}' is stored by the gateway, for a model that does not live at /v1/responses. "
        "The server of this model does not know it. Send the conversation in 'input'.",
        param=param,
        code="previous_response_not_found",
    )


def item_not_found(item_id: str, position: int) -> InvalidRequest:
    """Return the error for a reference to an item that is unknown, expired or another caller's."""
    return InvalidRequest(
        f"Item with id '{item_id[:100]}' not found. The gateway stores the items of responses that "
        "were made through it with the same key, without `store: false`, until they expire. Send "
        "the item itself.",
        param=f"input[{position}]",
        code="item_not_found",
    )


def of_kept_items(error: InvalidRequest) -> InvalidRequest:
    """Return an error whose text says so if it is about an item of the stored conversation."""
    if error.param == PREVIOUS:
        about = "The error is in an item of the stored conversation."
        error.message = joined(error.message, about)
    return error


def not_stored(why: str) -> str:
    """Return the warning for a response that its client cannot continue."""
    return f"this response is not stored, so no later request can continue it: {why}"


NOT_STORED_PROBABLY = (
    "this response may not be stored, as the gateway's store of responses fails at the moment"
)
"""The warning of a stream, whose head is sent before the attempt to store it."""


UNAVAILABLE = "store_unavailable"
"""The code of the error for a store that cannot be read or changed."""


def unavailable(*, deleting: bool = False) -> GatewayError:
    """Return the error for a store that cannot be read, or changed, at the moment."""
    what = (
        "deleted at the moment. Retry the request."
        if deleting
        else "read at the moment. Retry the request, or send the whole conversation in `input`."
    )
    return GatewayError(
        f"The gateway's stored responses cannot be {what}",
        status=503,
        code=UNAVAILABLE,
        headers=(("retry-after", "1"),),
    )
