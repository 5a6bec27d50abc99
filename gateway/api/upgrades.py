"""What becomes of a request to speak another protocol on its connection: the WebSocket handshake.

RFC 6455 section 4.2. Every refusal is an HTTP error before the 101.
"""

import re
from collections.abc import Callable

from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.headers import CALLER_HEADERS
from gateway.shapes import ClientHeaders, RawHeaders
from gateway.sockets import SUBPROTOCOL

KEY = b"sec-websocket-key"
_VERSION = b"sec-websocket-version"
HANDSHAKE = frozenset(
    {KEY, SUBPROTOCOL, _VERSION, b"sec-websocket-accept", b"sec-websocket-extensions"}
)
"""The fields of handshakes, which belong to one connection."""
_SUPPORTED = b"13"
_NONCE = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
"""16 bytes in base64."""
_ORIGIN = re.compile(rb"https?://([^/]+)")
_FROM_PAGES = (
    (b"openai-insecure-api-key.", b"authorization", b"Bearer "),
    (b"openai-organization.", b"openai-organization", b""),
    (b"openai-project.", b"openai-project", b""),
)
"""Subprotocols in which OpenAI's clients for web pages send what others send in fields."""
_REALTIME = b"realtime"
"""The one that OpenAI's clients offer, and must get."""
_NOT_HERE = (
    "WebSockets are not supported here: call this path over HTTP. Generation endpoints stream with "
    '"stream": true.'
)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_CREDENTIAL = re.compile(
    rb"(?:sk-|ek_|openai-(?!beta\.)).*|.*(?:api[-_]?key|token|secret|bearer|authorization).*",
    re.IGNORECASE | re.DOTALL,
)
"""What may be a key, in whatever form, is never sent back."""


def asks_for_websocket(method: str, headers: RawHeaders) -> bool:
    """Whether a request is for a WebSocket; other upgrades are ignored (RFC 9110 section 7.8)."""
    if method != "GET":
        return False
    return any(name == b"upgrade" and b"websocket" in value.lower() for name, value in headers)


def refuse_websocket(reason: str = _NOT_HERE) -> GatewayError:
    """Return a 426 (RFC 9110 section 15.5.22).

    Clients that try a WebSocket first (Codex) fall back to HTTP on it at once.
    """
    return GatewayError(
        reason,
        status=426,
        type="invalid_request_error",
        code="websocket_not_supported",
        headers=(("upgrade", "HTTP/1.1"), ("connection", "upgrade"), ("connection", "close")),
    )


def with_subprotocol_credentials(headers: ClientHeaders) -> ClientHeaders:
    """Return the fields with the credentials that web pages send as subprotocols in their place.

    Pages cannot set fields: OpenAI's clients send `openai-insecure-api-key.KEY` and the like. What
    a page names replaces the caller's fields, and is no longer among the subprotocols: their field
    is empty if there is no other. Raises `InvalidRequest` for one that names none from the start,
    which breaks the grammar (`1#token`: RFC 6455 section 4.3, RFC 9110 section 5.6.1.2), so that a
    server has to refuse it (RFC 6455 section 4.2.1).
    """
    offered = offered_protocols(headers)
    if not offered and any(name == SUBPROTOCOL for name, _ in headers):
        raise InvalidRequest(
            "The field `Sec-WebSocket-Protocol` is empty: name a subprotocol, or leave it out.",
            code="invalid_handshake",
        )
    found: list[tuple[bytes, bytes]] = []
    kept = []
    for protocol in offered:
        for prefix, name, scheme in _FROM_PAGES:
            if protocol.startswith(prefix):
                found.append((name, scheme + protocol.removeprefix(prefix)))
                break
        else:
            kept.append(protocol)
    if not found:
        return headers
    replaced = CALLER_HEADERS | {SUBPROTOCOL}
    others = [field for field in headers if field[0] not in replaced]
    return ClientHeaders([*others, (SUBPROTOCOL, b", ".join(kept)), *found])


def chosen_protocol(headers: RawHeaders) -> str:
    """Return the subprotocol to answer with: `realtime`, else the first without a credential.

    Browsers fail a handshake whose reply names none of those that they have offered. Empty: none
    was offered. Raises `InvalidRequest` where none can be named.
    """
    if all(name != SUBPROTOCOL for name, _ in headers):
        return ""
    offered = offered_protocols(headers)
    others = [name for name in offered if _CREDENTIAL.fullmatch(name) is None]
    names = [name for name in others if _TOKEN.fullmatch(name)]
    if not names:
        named = "a name is a token of 1 to 64 characters"
        why = named if others else "a credential is never sent back"
        raise InvalidRequest(
            "The handshake must be answered with one of the subprotocols that it offers, and "
            f"{why}: offer another one beside it, such as `realtime`.",
            code="invalid_handshake",
        )
    return (_REALTIME if _REALTIME in names else names[0]).decode("ascii")


def offered_protocols(headers: RawHeaders) -> list[bytes]:
    """Return the subprotocols that a handshake offers, in its order."""
    values = [value for name, value in headers if name == SUBPROTOCOL]
    protocols = [protocol.strip() for value in values for protocol in value.split(b",")]
    return [protocol for protocol in protocols if protocol]


def check_handshake(headers: RawHeaders) -> None:
    """Raise `GatewayError` for a handshake that RFC 6455 section 4.2.1 does not allow."""
    options = [value.lower() for name, value in headers if name == b"connection"]
    if not any(option.strip() == b"upgrade" for each in options for option in each.split(b",")):
        raise refuse_websocket(
            "A WebSocket needs HTTP/1.1 with `Connection: Upgrade`, which has not arrived: a proxy "
            "in front of the gateway must pass on both fields of the handshake."
        )
    if [value.strip() for name, value in headers if name == _VERSION] != [_SUPPORTED]:
        error = refuse_websocket("Send the handshake with `Sec-WebSocket-Version: 13`.")
        error.headers = (("sec-websocket-version", "13"), *error.headers)
        raise error
    keys = [value.strip() for name, value in headers if name == KEY]
    if len(keys) != 1 or _NONCE.fullmatch(keys[0]) is None:
        raise InvalidRequest(
            "Send the handshake with one `Sec-WebSocket-Key`: 16 bytes in base64.",
            code="invalid_handshake",
        )


def check_origin(headers: RawHeaders, allows: Callable[[bytes], bool]) -> None:
    """Raise `PermissionDenied` for a web page of another origin that `allows` does not allow.

    Browsers let any page open a socket, and send its origin. Pages of the gateway's own host may,
    since some clients that are not browsers send it (websocket-client).
    """
    origins = [value for name, value in headers if name == b"origin"]
    hosts = [value.lower() for name, value in headers if name == b"host"]
    for origin in origins:
        own = _ORIGIN.fullmatch(origin.lower())
        if not (allows(origin) or (own is not None and own[1] in hosts)):
            raise PermissionDenied(
                "Web pages of this origin may not open WebSockets here: it is not in "
                "server.cors_origins.",
                code="origin_not_allowed",
            )
