"""Reads values that servers and relays print: JSON, and dicts and bytes as Python prints them."""

import ast
import warnings

from gateway.envelopes.upstream_json import NOT_JSON, decode

MAX_BODY_BYTES = 64 * 1024
"""Longer bodies are not refusals: every known one is shorter than 2 KiB."""
_MAX_LITERAL_CHARACTERS = 16 * 1024


def decode_body(body: object) -> object:
    """Return the JSON value of a reply body; None: not JSON, or too long.

    A decoded value is returned unchanged.
    """
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if not isinstance(body, bytes | bytearray):
        return body
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        return decode(body)
    except NOT_JSON:
        return None


def printed_value(text: str) -> object:
    """Return the value of a text that is JSON, or a value printed by Python, as a whole."""
    if not text.startswith(("{", "[", "b'", 'b"')):
        return None
    decoded = decode_body(text)
    return python_literal(text) if decoded is None else decoded


def python_literal(text: str) -> object:
    """Return the value of a Python literal, bytes decoded as JSON; None: not a literal."""
    if len(text) > _MAX_LITERAL_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            # Operators need no warning of an unknown escape in an upstream's text.
            warnings.simplefilter("ignore")
            value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return decode_body(value) if isinstance(value, bytes) else value
