"""The errors of upstreams, as a client gets them.

They come in a reply with an error status, in a body with status 200, or as an event. An error is
read from its envelope like a refusal (`gateway.envelopes`), and its parameter gets the client's
name.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.envelopes import numbered_errors
from gateway.envelopes.error_envelopes import ErrorDetails, read_error
from gateway.envelopes.overflows import CODE as TOO_LONG
from gateway.envelopes.overflows import overflow_message
from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.parts.error_statuses import UNPAID, status_of_words
from gateway.translate.parts.sentences import sentence, with_upstream_parameter

_HTTP_ERROR = re.compile("[45][0-9]{2}")
_KEPT = frozenset({429, 503, 504, 529})
"""Statuses other than 4xx that clients act on: they wait and retry."""
_LLAMACPP_NOT_SUPPORTED = 501
_UNPAID_TYPE = "insufficient_quota"
_MAX_SHOWN = 200
RESULTS = ("choices", "output", "content")
"""The fields of replies with their results: of chat and completions, of responses, of messages."""
_EVENTS = ("response.", "message_", "content_block_", "ping")
"""The beginnings of the types of events that are not errors."""
_OF_A_RESULT = frozenset(
    {
        *(*RESULTS, "created", "data", "id", "model", "object", "usage"),
        *("service_tier", "system_fingerprint"),
    }
)
_NO_TYPES = frozenset({"error", "bad request", "not found", "unprocessable entity"})
"""Words that servers write as a type although they only repeat the status."""


def client_status(status: int) -> int:
    """Return the status with which an upstream's error reaches the client of a translation.

    FastAPI's 422 becomes 400, and so does llama.cpp's 501 for requests that it does not support.
    409 becomes 429, because it makes openai-python 0.28 retry endlessly without a pause. 502 is the
    gateway's status for faults behind it.
    """
    if status in (422, _LLAMACPP_NOT_SUPPORTED):
        return 400
    if status == 409:
        return 429
    return status if 400 <= status < 500 or status in _KEPT else 502


def ended_too_early(what: str = "reply") -> TruncatedStream:
    """Return the error for a stream without the end of its reply, response or message."""
    return TruncatedStream(
        f"The upstream's stream ended before its {what} was complete. Retry the request."
    )


def nameless_call() -> UpstreamError:
    """Return the error for a call of a tool that does not say which."""
    return UpstreamError("The upstream's reply has a tool call without a name.")


def only_reply(replies: Sequence[object]) -> object:
    """Return the reply to a request of one call; raises `UpstreamError` for any other number."""
    if len(replies) != 1:
        raise UpstreamError(f"The upstream sent {len(replies)} replies to one call.")
    return replies[0]


def malformed_chat(what: str) -> UpstreamError:
    """Return the error for a reply of a chat endpoint that has another form than chat's."""
    return UpstreamError(f"The upstream's chat reply cannot be used: {what}.")


def upstream_error(event_or_body: object) -> UpstreamReplied | None:
    """Return the error that a 200 body or a stream event carries, or None if it carries none.

    Known envelopes: OpenAI's `{"error": {…}}` (also with a string, as LM Studio sends it), the same
    in a one-element list (Gemini), the flat `{"object": "error"}` of vLLM and SGLang, MiniMax'
    `base_resp`, and the events `error` (nested, as api.openai.com sends it, or flat, as documented)
    and `response.failed` of responses. `param` is in the upstream's terms. The status is that of a
    numeric code if it is an HTTP error (`client_status`), else the one known for its code or type,
    else 502.
    """
    if isinstance(event_or_body, list):
        event_or_body = event_or_body[0] if event_or_body else None
    if not isinstance(event_or_body, dict):
        return None
    carrier = _carrier(event_or_body)
    return None if carrier is None else replied_error(carrier, _status(carrier, event_or_body))


def bare_error(body: Json) -> Json | None:
    """Return the body of an error reply for a body, or an event, that has only an error's text.

    Any text that an error can have counts: `{"detail": …}`, `{"message": …}`, MiniMax' `base_resp`.
    None: there is no such text, or the body is a result or an event of one. The body is an error
    only if no result comes, which the caller has to know.
    """
    kind = body.get("type")
    if (isinstance(kind, str) and kind.startswith(_EVENTS)) or any(map(body.get, RESULTS)):
        return None
    fields = {name: value for name, value in body.items() if name not in _OF_A_RESULT}
    if not fields:
        # The last chunk of a chat stream has only the usage.
        return None
    reply = read_error({"error": fields})
    return {"error": fields} if reply is not None and reply.message else None


def replied_error(body: object, status: int) -> UpstreamReplied | None:
    """Return the error in the decoded body of an error reply; None: no known envelope.

    `status` is the status that the client gets. For a prompt that is too long the code is OpenAI's
    `context_length_exceeded`, whatever the server calls it.
    """
    reply = read_error(body)
    if reply is None:
        return None
    too_long = overflow_message(reply)
    if too_long is not None:
        return UpstreamReplied(
            too_long,
            type="invalid_request_error",
            param=reply.param,
            code=TOO_LONG,
            status=400,
        )
    return UpstreamReplied(
        reply.message or _without_message(body),
        type=_type(reply, status),
        param=reply.param,
        code=None if reply.code is None or reply.code.isdecimal() else reply.code,
        status=status,
    )


class ParameterNames(Protocol):
    """Knows the client's parameters by the upstream's names: a request, a translation."""

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter of `call`; None: it has no such parameter."""


def without_error(
    call: int,
    body: object,
    names: ParameterNames,
    error_in: Callable[[object], UpstreamReplied | None] = upstream_error,
) -> Json:
    """Return the reply or event of a call; it must be an object that carries no error.

    Raises the error that `error_in` finds, with the client's name of the parameter, and
    `UpstreamError` for a value that is not a JSON object.
    """
    error = error_in(body)
    if error is not None:
        raise in_clients_words(error, names.client_param(call, error.param))
    if not isinstance(body, dict):
        raise UpstreamError("The upstream's reply is not a JSON object.")
    return body


def in_clients_words(error: UpstreamReplied, param: str | None) -> UpstreamReplied:
    """Return the error with the client's parameter; its message names the upstream's, too.

    The upstream's name is left out if it is the client's parameter, contains it, or is within the
    same item of a list.
    """
    named, error.param = error.param, param
    is_no_field = error.code == TOO_LONG and param is None
    if named and not is_no_field and not (param and _is_same_place(named, param)):
        error.message = with_upstream_parameter(error.message, named)
    return error


def _is_same_place(named: str, param: str) -> bool:
    """Whether the named path is the client's parameter, contains it, or is within its item."""
    if param.startswith(named):
        return param[len(named) :][:1] in ("", ".", "[")
    return "[" in param and named.startswith((f"{param}.", f"{param}["))


def error_type(status: int) -> str:
    """Return OpenAI's type for an error that has a status but no type."""
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if 400 <= status < 500 else "server_error"


def _without_message(body: object) -> str:
    text = json.dumps(body)[:_MAX_SHOWN]
    return sentence(f"The upstream reported an error without a message: {text}")


def _type(reply: ErrorDetails, status: int) -> str:
    known = reply.type is not None and reply.type.lower() not in _NO_TYPES
    if known and reply.type:
        return reply.type
    return _UNPAID_TYPE if reply.code in UNPAID else error_type(status)


def _carrier(body: Json) -> Json | None:
    """Return the body of an error reply that says the same; None: there is no error."""
    error = body.get("error")
    if not error and body.get("type") == "response.failed":
        response = body.get("response")
        error = response.get("error") if isinstance(response, dict) else None
        error = error or {"message": "The upstream reported response.failed without a reason."}
        return {"error": error}
    if isinstance(error, dict | str) and error:
        return body
    if error:
        return {"error": {"message": f"The upstream reported an error: {str(error)[:1000]}"}}
    if body.get("object") == "error" or numbered_errors.has_failed(body):
        return body
    if body.get("type") == "error":
        return {"error": {**body, "type": None}}
    return _carrier_in_choices(body.get("choices")) or _carrier_of_groq(body.get("x_groq"))


def _carrier_of_groq(beside: object) -> Json | None:
    """Return the error that Groq puts into the last chunk of a stream that it stops early."""
    error = beside.get("error") if isinstance(beside, dict) else None
    return {"error": error} if isinstance(error, dict | str) and error else None


def _carrier_in_choices(choices: object) -> Json | None:
    """Return the error within a choice, where OpenRouter puts it."""
    for choice in choices if isinstance(choices, list) else ():
        error = choice.get("error") if isinstance(choice, dict) else None
        if isinstance(error, dict | str) and error:
            return {"error": error}
    return None


def _status(carrier: Json, body: Json) -> int:
    error = carrier.get("error")
    inner = error if isinstance(error, dict) else carrier
    values = [inner.get("code"), inner.get("status"), body.get("code"), body.get("status")]
    for value in values:
        number = int(value) if isinstance(value, str) and _HTTP_ERROR.fullmatch(value) else value
        # Not a boolean, and not an application's own number such as FastChat's 50001.
        if type(number) is int and 400 <= number <= 599:
            return client_status(number)
    if (status := numbered_errors.status_of(inner)) is not None:
        return status
    return status_of_words((*values, inner.get("type"))) or 502
