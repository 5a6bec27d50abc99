"""Reads errors out of the envelopes of upstreams and of relays before them.

Known envelopes: OpenAI's `{"error": {message, type, param, code}}` (Azure and llama.cpp leave some
out), the flat one of vLLM, SGLang, FastChat and Mistral, `{"error": "text"}` (LM Studio, TGI, xAI;
others with the text beside a label), FastAPI's `{"detail": …}`, Gemini's one-element
array, Anthropic's `{"type": "error"}`, NVIDIA's problem details, OpenRouter's `metadata.raw`,
MiniMax' `base_resp`, `{"errors": [...]}`, zod's `issues`, `{"fault": …}`, and one of these within
another.
Relays (one-api, new-api, LiteLLM) decorate the message or put a whole reply into it, as JSON or as
Python prints it.

Only parsed messages are compared with known texts, and only from their start: raw bodies also
contain users' texts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.envelopes.anthropic_params import is_anthropics, named_in
from gateway.envelopes.decorations import undecorated
from gateway.envelopes.error_labels import described
from gateway.envelopes.numbered_errors import has_failed, is_success
from gateway.envelopes.printed_values import printed_value, python_literal
from gateway.envelopes.unknown_properties import unknown_properties, with_brackets
from gateway.envelopes.validation_types import is_validation_type, value_refused
from gateway.shapes import Json

MAX_MESSAGE_CHARACTERS = 8 * 1024
"""The longest part of a message that is read; keeps every pattern cheap."""
_MAX_UNWRAPPED = 2
_MAX_NUMBER = 10**9

_NULLS = frozenset({"", "<nil>", "nil", "none", "null"})
_TEXT_KEYS = (
    *("message", "msg", "err", "error_msg", "detail", "error_message", "errorMessage", "Message"),
    *("status_msg", "faultstring", "reason", "description"),
)
_HOLDERS = (("response", "error"), ("header",), ("detail",), ("fault",), ("base_resp",))
_MAX_NESTED = 4
_SUCCESS_KEYS = ("choices", "output", "data", "id")
_ERROR_EVENTS = ("error", "response.failed")
_TOO_LONG = "ContextWindowExceededError"
_REPLACEMENT_KEYS = ("replacement", "replacement_model", "suggested_model", "recommended_model")
_INVALID = "invalid_request_error"
_UNKNOWN_FIELD_TYPES = ("extra_forbidden", "value_error.extra")


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """An upstream's error without its envelope and decorations.

    `code` is text even where the upstream has a number; empty and stringified nulls are None.
    `type` is the upstream's, except for validation errors: OpenAI's `invalid_request_error`.
    `param` is a path with brackets, `messages[0].name`, however the upstream writes it.
    """

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Paths (`store`, `messages[0].name`) of a validation error that is about unknown fields only
    (pydantic's `extra_forbidden`)."""
    given: str | None = None
    """The value of `param`, if a validation error says that it is not one of the possible ones."""
    replacement: str | None = None
    """The model that the upstream names instead."""
    statuses: tuple[int, ...] = ()
    """The statuses in relays' messages, outermost first."""
    prompt_tokens: int | None = None
    """The number of tokens of the prompt; `context` is the maximum (llama.cpp)."""
    context: int | None = None
    too_long: bool = False
    """Whether a class name in a relay's message says that the prompt is too long (LiteLLM)."""


def is_error_in_success(body: object) -> bool:
    """Whether a decoded 2xx body is an error nevertheless: vLLM 0.7-0.8, LM Studio, some relays.

    Also for events of streams.
    """
    if not isinstance(body, dict):
        return False
    if body.get("object") == "error" or has_failed(body):
        return True
    has_error = body.get("error") is not None or body.get("type") in _ERROR_EVENTS
    return has_error and not any(key in body for key in _SUCCESS_KEYS)


def read_error(body: object) -> ErrorDetails | None:
    """Return the error in a decoded body without envelope and decorations, if there is one.

    Errors nested into the messages of relays are unwrapped, at most twice.
    """
    reply = _read(body)
    for _ in range(_MAX_UNWRAPPED):
        if reply is None:
            return None
        inner = _read(_embedded(reply.message))
        if inner is None:
            break
        reply = replace(
            inner,
            code=inner.code or reply.code,
            statuses=(*reply.statuses, *inner.statuses),
            too_long=reply.too_long or inner.too_long,
        )
    return reply and replace(reply, message=reply.message[:MAX_MESSAGE_CHARACTERS])


def _read(value: object) -> ErrorDetails | None:
    """Return the error in one envelope."""
    if isinstance(value, list | tuple) and value:
        return _read_validation(value) or _read_error_object(value[0])
    reply, unknown = _read_error_object(value), unknown_properties(value)
    return replace(reply, unknown_fields=unknown) if reply is not None and unknown else reply


def _read_error_object(value: object) -> ErrorDetails | None:
    error = _error_object(value)
    if error is None:
        return None
    text: object = next((error[key] for key in _TEXT_KEYS if error.get(key)), "")
    if isinstance(text, list | tuple):
        return _read_validation(text)
    if isinstance(text, dict):
        error = _error_object(text) or error
        text = next((error[key] for key in _TEXT_KEYS if error.get(key)), "")
        if isinstance(text, list | tuple):
            return _read_validation(text)
    decorated = text if isinstance(text, str) else ""
    found = undecorated(decorated)
    reply = ErrorDetails(
        found.text,
        type=_type(error.get("type")) or _type(error.get("error_type")),
        code=_word(error.get("code")),
        param=_param(error.get("param")),
        replacement=_replacement(error),
        statuses=found.statuses,
        prompt_tokens=_count(error.get("n_prompt_tokens")),
        context=_count(error.get("n_ctx")),
        too_long=_TOO_LONG in decorated.removesuffix(found.text),
    )
    named = named_in(error) if is_anthropics(value) else None
    if named is not None:
        unknown = (named.path,) if named.is_unknown else ()
        reply = replace(reply, param=named.path, unknown_fields=unknown)
    # The code in new-api's error is new-api's; the copy of the body has the upstream's.
    copied = _read_error_object(found.body)
    if copied is None or copied.message != reply.message:
        return reply
    return replace(copied, statuses=(*reply.statuses, *copied.statuses))


def _type(value: object) -> str | None:
    word = _word(value)
    return _INVALID if word is not None and is_validation_type(word) else word


def _param(value: object) -> str | None:
    name = _word(value)
    if name is None:
        return None
    name = name.removeprefix("$.").removeprefix("body.").replace(".[", "[")
    return with_brackets(name) or None


def _replacement(error: Json) -> str | None:
    names = (error.get(key) for key in _REPLACEMENT_KEYS)
    return next((name for name in names if isinstance(name, str) and name), None)


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 < value < _MAX_NUMBER else None


def _error_object(body: object, nested: int = _MAX_NESTED) -> Json | None:
    """Return the object that has the message, in whatever envelope."""
    if not isinstance(body, dict) or not nested:
        return None
    several = body.get("errors") or body.get("issues")
    error = body.get("error") or _first(several) or body.get("error")
    if isinstance(error, list):
        error = _first(error)
    if isinstance(error, dict):
        has_text = any(map(error.get, _TEXT_KEYS))
        return (None if has_text else _error_object(error, nested - 1)) or _behind_provider(error)
    if isinstance(error, str):
        return described(body, error)
    for path in _HOLDERS:
        inner: object = body
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and not is_success(inner):
            return _error_object(inner, nested - 1) or inner
    if any(body.get(key) for key in _TEXT_KEYS):
        return body
    # ASP.NET's problem details for a missing route have nothing but a title.
    return {**body, "message": body["title"]} if body.keys() >= {"title", "status"} else None


def _first(errors: object) -> object:
    """Return the first of several errors."""
    return errors[0] if isinstance(errors, list) and errors else None


def _behind_provider(error: Json) -> Json:
    """Return an error with the message of the provider behind a relay, which may stand elsewhere.

    OpenRouter has it in its metadata, others as JSON in `cause` or `details` (GMI Cloud).
    """
    metadata, cause = error.get("metadata"), error.get("cause") or error.get("details")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str | dict) and error.get("message") == "Provider returned error":
        return {**error, "message": raw}
    if isinstance(cause, str) and _error_object(printed_value(cause)) is not None:
        return {**error, "message": cause}
    return error


def _read_validation(entries: list[object] | tuple[object, ...]) -> ErrorDetails | None:
    """Read a list of pydantic validation errors, as FastAPI servers report them."""
    found = [entry for entry in entries if isinstance(entry, dict) and _steps(entry) is not None]
    if not found or len(found) != len(entries):
        return None
    paths = [_path(_steps(entry) or ()) for entry in found]
    unknown = all(entry.get("type") in _UNKNOWN_FIELD_TYPES for entry in found)
    reasons = [
        _word(entry.get("msg")) or _word(entry.get("type")) or "not valid" for entry in found
    ]
    return ErrorDetails(
        "\n".join(
            f"{path}: {reason}" if path else reason
            for path, reason in zip(paths, reasons, strict=True)
        ),
        type=_INVALID,
        param=paths[0] or None,
        unknown_fields=tuple(paths) if unknown else (),
        given=value_refused(found) if len(set(paths)) == 1 else None,
    )


def _steps(entry: Json) -> Sequence[object] | None:
    """Return the steps of the path to an entry's field; vLLM (since 0.32) joins them by dots."""
    loc = entry.get("loc")
    if isinstance(loc, str):
        return loc.split(".")
    return loc if isinstance(loc, list | tuple) else None


def _path(loc: Sequence[object]) -> str:
    steps = [_word(step) or "?" for step in loc]
    if steps[:1] == ["body"]:
        steps = steps[1:]
    path = "".join(
        f"[{step}]" if step.isdecimal() else f".{step}"
        for position, step in enumerate(steps)
        if not (position and _is_kind(steps[position - 1], step))
    )
    return path.removeprefix(".")


_KIND = re.compile(r"[A-Z]\w*|str|int|float|bool|.*[\[(].*", re.DOTALL)
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def _is_kind(before: str, step: str) -> bool:
    """Whether a step is not a field, but the type against which the value was checked.

    pydantic has the types of a union among the steps (`body.input.list[…].3`), and its tags, too:
    Mistral's messages are tagged by their role.
    """
    return _KIND.fullmatch(step) is not None or (before.isdecimal() and step in _ROLES)


def _word(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER:
        return str(value)
    return value if isinstance(value, str) and value.lower() not in _NULLS else None


_MAX_VALIDATION_ERRORS = 64
_VALIDATION_HEAD = re.compile(r"\d{1,4} validation errors?:\s")


def _embedded(message: str) -> object:
    """Return the value of a message that is JSON or a Python literal."""
    head = _VALIDATION_HEAD.match(message)
    if head is None:
        return printed_value(message)
    lines = [line.strip() for line in message[head.end() :].splitlines()]
    printed = [line for line in lines if line.startswith("{")]
    if len(printed) > _MAX_VALIDATION_ERRORS:
        return None
    return [python_literal(line) for line in printed]
