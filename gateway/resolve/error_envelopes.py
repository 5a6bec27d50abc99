"""Reads the error out of whatever envelope an upstream, or a relay before it, has put it in.

Known envelopes: OpenAI's `{"error": {message, type, param, code}}` (Azure and llama.cpp leave some
out), the flat one of vLLM, SGLang, FastChat and Mistral, `{"error": "text"}` (LM Studio, TGI, xAI),
FastAPI's `{"detail": …}`, Gemini's one-element array, Anthropic's `{"type": "error"}`, NVIDIA's
problem details, and OpenRouter's `metadata.raw`. Relays (one-api, new-api, LiteLLM) decorate the
message or put a whole reply into it, as JSON or as Python prints it.

Only a parsed message is ever compared with known texts, and only from its start: raw bodies also
carry what users wrote.
"""

import ast
import re
import warnings
from dataclasses import dataclass, replace

import msgspec

from gateway.shapes import Json

MAX_BODY_BYTES = 64 * 1024
"""Longer bodies are no refusals: every known one is shorter than 2 KiB."""
MAX_MESSAGE_CHARACTERS = 8 * 1024
"""Longest part of a message that is looked at; keeps every pattern cheap."""
_MAX_LITERAL_CHARACTERS = 16 * 1024
_MAX_UNWRAPPED = 2
_MAX_NUMBER = 10**9

_NULLS = frozenset({"", "<nil>", "nil", "none", "null"})
_TEXT_KEYS = ("message", "msg", "err", "error_msg", "detail")
_SUCCESS_KEYS = ("choices", "output", "data", "id")
_UNKNOWN_FIELD_TYPES = frozenset({"extra_forbidden", "value_error.extra"})


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An upstream's error without its envelope and decorations.

    `code` is text even where the upstream gave a number; empty and stringified nulls are None.
    """

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Paths (`store`, `messages[0].name`) of a validation error that names nothing but fields that
    the server does not know (pydantic's `extra_forbidden`)."""


def decode_body(body: object) -> object:
    """Return the JSON value of a reply body; None for what is no JSON, or too long.

    A value that is decoded already is returned as it is.
    """
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if not isinstance(body, bytes | bytearray):
        return body
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_error_in_success(body: object) -> bool:
    """Whether a decoded 2xx body is an error nevertheless: vLLM 0.7-0.8, LM Studio, some relays."""
    if not isinstance(body, dict):
        return False
    if body.get("object") == "error":
        return True
    return body.get("error") is not None and not any(key in body for key in _SUCCESS_KEYS)


def read_error(body: object) -> ErrorReply | None:
    """Return the error in a decoded body, unwrapped and undecorated, or None if it has none.

    An error that a relay has nested into its own message is taken out, at most twice.
    """
    reply = _read(body)
    for _ in range(_MAX_UNWRAPPED):
        if reply is None:
            return None
        inner = _read(_embedded(reply.message))
        if inner is None:
            break
        reply = replace(inner, code=inner.code or reply.code)
    return reply and replace(reply, message=reply.message[:MAX_MESSAGE_CHARACTERS])


def _read(value: object) -> ErrorReply | None:
    """Return the error in one envelope."""
    if isinstance(value, list | tuple) and value:
        return _read_validation(value) or _read_error_object(value[0])
    return _read_error_object(value)


def _read_error_object(value: object) -> ErrorReply | None:
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
    return ErrorReply(
        undecorated(text if isinstance(text, str) else ""),
        type=_word(error.get("type")) or _word(error.get("error_type")),
        code=_word(error.get("code")),
        param=_word(error.get("param")),
    )


def _error_object(body: object) -> Json | None:
    """Return the object that holds the message, whichever envelope it is in."""
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, dict):
        return _behind_provider(error)
    if isinstance(error, str):
        return {**body, "message": error}
    for path in (("response", "error"), ("header",), ("detail",)):
        inner: object = body
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            nested = inner.get("error")
            return nested if isinstance(nested, dict) else inner
    return body if any(body.get(key) for key in _TEXT_KEYS) else None


def _behind_provider(error: Json) -> Json:
    """Return what the provider behind OpenRouter said, where OpenRouter says only that it did."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str) and error.get("message") == "Provider returned error":
        return {**error, "message": raw}
    return error


def _read_validation(entries: list[object] | tuple[object, ...]) -> ErrorReply | None:
    """Read a list of pydantic validation errors, as FastAPI servers report them."""
    found = [e for e in entries if isinstance(e, dict) and isinstance(e.get("loc"), list | tuple)]
    if not found or len(found) != len(entries):
        return None
    paths = [_path(entry["loc"]) for entry in found]
    unknown = all(entry.get("type") in _UNKNOWN_FIELD_TYPES for entry in found)
    reasons = [_word(entry.get("msg")) or "not valid" for entry in found]
    return ErrorReply(
        "\n".join(f"{path}: {reason}" for path, reason in zip(paths, reasons, strict=True)),
        type=_word(found[0].get("type")),
        param=paths[0] or None,
        unknown_fields=tuple(paths) if unknown else (),
    )


def _path(loc: list[object] | tuple[object, ...]) -> str:
    steps = [_word(step) or "?" for step in loc]
    if steps[:1] == ["body"]:
        steps = steps[1:]
    path = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps)
    return path.removeprefix(".")


def _word(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER:
        return str(value)
    return value if isinstance(value, str) and value.lower() not in _NULLS else None


# What relays write before a message: one-api ("openai error:"), LiteLLM, whose class and exception
# names come twice or thrice, opencode ("Error from provider(newapi,gpt-4o: 400):") and programs
# that print openai-python's exceptions ("Error code: 400 -").
_PREFIX = re.compile(
    r"(?:openai error|Provider API error|[Uu]pstream error): |"
    r"(?:\w{1,60}\.){0,4}\w{0,60}(?:Error|Exception)(?::| -)\s|"
    r"Error from provider ?\([^()\n]{0,200}\): |"
    r"Error code: \d{3} - |status_code=\d{3}, |\d{3}: "
)
_MAX_DECORATIONS = 6
# LiteLLM's router and its retries append these, and whatever follows them.
_TAILS = ("Received Model Group=", "LiteLLM Retried: ")
_REQUEST_ID = "(request id: "
_SENTENCE_NONE = (". None", "! None", "? None")


def undecorated(message: str) -> str:
    """Return a message without what relays put before and after it."""
    text = message.strip()
    for _ in range(_MAX_DECORATIONS):
        match = _PREFIX.match(text)
        if match is None:
            break
        text = text[match.end() :].lstrip()
    for _ in range(_MAX_DECORATIONS):
        shorter = text if _value_of(text) is not None else _without_last_suffix(text)
        if shorter == text:
            break
        text = shorter
    return text


def _without_last_suffix(text: str) -> str:
    for tail in _TAILS:
        head, found, _ = text.rpartition(tail)
        if found:
            return head.rstrip().removesuffix(".")
    if text.endswith(")"):
        head, found, request_id = text.rpartition(_REQUEST_ID)
        if found and ")" not in request_id[:-1]:
            return head.rstrip()
    # vLLM prints the error's cause behind its message, and there is none.
    return text.removesuffix(" None") if text.endswith(_SENTENCE_NONE) else text


_VALIDATION_HEAD = re.compile(r"\d{1,4} validation errors?:\s")


def _embedded(message: str) -> object:
    """Return the value that a message consists of, if it is JSON or a Python literal."""
    head = _VALIDATION_HEAD.match(message)
    if head is None:
        return _value_of(message)
    lines = [line.strip() for line in message[head.end() :].splitlines()]
    return [python_literal(line) for line in lines if line.startswith("{")]


def _value_of(text: str) -> object:
    """Return the value of a text that is JSON, or Python's print of it, as a whole."""
    if not text.startswith(("{", "[", "b'", 'b"')):
        return None
    decoded = decode_body(text)
    return python_literal(text) if decoded is None else decoded


def python_literal(text: str) -> object:
    """Return the value of a Python literal, bytes decoded as JSON; None if it is none."""
    if len(text) > _MAX_LITERAL_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            # An unknown escape in upstream text is nothing to warn the operator about.
            warnings.simplefilter("ignore")
            value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return decode_body(value) if isinstance(value, bytes) else value
