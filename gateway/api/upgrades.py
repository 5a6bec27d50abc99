"""What becomes of a request to speak another protocol on its connection."""

from gateway.errors import GatewayError
from gateway.shapes import RawHeaders


def refuse_websocket() -> GatewayError:
    """Return the error for a WebSocket (RFC 9110 section 15.5.22)."""
    return GatewayError(
        'WebSockets are not supported here: send a POST with "stream": true.',
        status=426,
        type="invalid_request_error",
        code="websocket_not_supported",
        headers=(("upgrade", "HTTP/1.1"), ("connection", "upgrade"), ("connection", "close")),
    )


def check_upgrade(method: str, headers: RawHeaders) -> None:
    """Raise a 426, on which clients that try a WebSocket first (Codex) fall back to HTTP at once.

    Other upgrades are ignored (RFC 9110 section 7.8).
    """
    if method != "GET":
        return
    wanted = [value.lower() for name, value in headers if name == b"upgrade"]
    if any(b"websocket" in value for value in wanted):
        raise refuse_websocket()
