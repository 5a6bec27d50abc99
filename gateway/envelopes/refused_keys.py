"""Errors that refuse the key under another status than 401, or the gateway's certificate.

xAI and Gemini answer 400, others with an error in a success or as the first event of a stream, and
relays with 500; proxies write it as text without an envelope. Such an error may quote a part of the
key. Texts are compared from their start.

Sources: the issues of clients (continue#10778, codex#1352, openai-scala-client#109), OpenAI's and
Anthropic's documentation of errors.
"""

import re

from gateway.envelopes.bare_texts import read_text
from gateway.envelopes.error_envelopes import read_error
from gateway.envelopes.numbered_errors import status_of
from gateway.envelopes.printed_values import decode_body

_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_WORDS = frozenset(
    {
        str(_UNAUTHORIZED),
        "api_key_invalid",
        "authentication_error",
        "incorrect_api_key",
        "invalid_api_key",
        "invalid_authentication",
        "invalid_authentication_error",
    }
)
_TEXTS = re.compile(
    r"(?:Incorrect|Invalid) API[ -]?key\b|"
    r"(?:(?:The|Your) )?API[ -]?key (?:is )?(?:not valid|invalid|expired)\b",
    re.IGNORECASE,
)


_CERTIFICATE = re.compile(
    rb"<title>400 (?:No required SSL certificate was sent|The SSL certificate error)</title>"
)
"""nginx's pages (src/http/ngx_http_special_response.c) for its statuses 495 and 496. It refuses a
client's certificate by a reply; other servers do so in the handshake."""


def refuses_certificate(status: int, body: bytes) -> bool:
    """Whether an error says that a client certificate is missing, or not accepted."""
    return status == _BAD_REQUEST and _CERTIFICATE.search(body) is not None


def refuses_key(body: object) -> bool:
    """Whether an upstream's error, decoded or not, says that it does not accept the key."""
    decoded = decode_body(body)
    if isinstance(decoded, dict) and status_of(decoded) == _UNAUTHORIZED:
        return True
    error = read_error(decoded) or read_text(body)
    if error is None:
        return False
    if _UNAUTHORIZED in error.statuses or _TEXTS.match(error.message):
        return True
    return not _WORDS.isdisjoint(word.lower() for word in (error.code, error.type) if word)
