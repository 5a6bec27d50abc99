"""Errors whose `error` is only a label, with the text beside it.

A label is the name of a status or a class, or a code: `{"error": "Bad Request", "message": …}`
(NestJS, Spring), `{"error": "BadRequestError", "reason": …}` (proxies in JavaScript),
`{"error": "invalid_request", "error_description": …}` (as OAuth has it).
"""

import re

from gateway.envelopes.decorations import REASONS
from gateway.envelopes.json_fields import text
from gateway.shapes import Json

_BESIDE = ("reason", "detail", "details", "error_description", "error_message", "description")
_LABEL = re.compile(rf"\S+|{REASONS}", re.IGNORECASE)
_ABOUT_ROUTES = frozenset({"not found", "method not allowed"})
_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")


def described(body: Json, error: str) -> Json:
    """Return a body, whose `error` is a text, as an error object with a message and a code, if any.

    The message is the text beside a label. But the label of a missing route ("Not Found") is itself
    the message, unless the text beside it is about a model.
    """
    message = _lines(body.get("message")) or _beside(body, error) or error
    code = body.get("code")
    if not code and message != error and _CODE.fullmatch(error):
        code = error
    return {**body, "message": message, "code": code}


def _lines(message: object) -> str:
    """Return the lines of a message as one text; NestJS has a list if several fields are wrong."""
    lines = message if isinstance(message, list) else [message]
    return "\n".join(line for line in lines if isinstance(line, str))


def _beside(body: Json, error: str) -> str | None:
    if not _LABEL.fullmatch(error):
        return None
    found = next(filter(None, (text(body, key) for key in _BESIDE)), None)
    if found is not None and error.lower() in _ABOUT_ROUTES and not _MODEL.search(found):
        return None
    return found
