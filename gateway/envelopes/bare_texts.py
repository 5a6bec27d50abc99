"""Errors without an envelope: text, as proxies and frameworks write it.

`No matching route found. …` (Envoy AI Gateway), `Path '/v1/messages' not found. …` (Ray Serve),
`Responses endpoint not implemented` (SGLang's model gateway), axum's words about a body.
"""

from gateway.envelopes.error_envelopes import ErrorDetails, read_error
from gateway.envelopes.printed_values import decode_body

MAX_BYTES = 2 * 1024
"""A longer text is a page, or a trace."""


def read_text(body: object) -> ErrorDetails | None:
    """Return the error in a body that is a bare text, or a text as one JSON string.

    None: the body is empty, other JSON, markup, or too long for a message. Never raises.
    """
    text = _text(body)
    if not text or text == "null" or text.startswith(("<", "{", "[")):
        return None
    return read_error({"message": text})


def _text(body: object) -> str | None:
    decoded = decode_body(body)
    if isinstance(decoded, str):
        text = decoded
    elif isinstance(body, bytes | bytearray) and decoded is None:
        text = body.decode("utf-8", "replace") if len(body) <= MAX_BYTES else ""
    elif isinstance(body, str) and decoded is None:
        text = body
    else:
        return None
    return text.removeprefix("\ufeff").strip() if len(text) <= MAX_BYTES else None
