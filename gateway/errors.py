"""Every error the gateway can give a client: one tree, one envelope, no framework.

```
GatewayError
├── InvalidRequest            400  the body or a parameter is wrong
│   ├── UnsupportedParameter  400  has no equivalent where the model lives
│   └── PayloadTooLarge       413
├── AuthenticationFailed      401
├── PermissionDenied          403
├── ModelNotFound             404
├── UnknownRoute              404
├── MethodNotAllowed          405
├── ShuttingDown              503
├── LoopDetected              508
└── UpstreamError             502  the upstream answered with something unusable, or not at all
    ├── UpstreamUnavailable   502  no connection; nothing was sent
    ├── UpstreamTimeout       504
    ├── UpstreamReplied       any  the upstream's own error, in the client's vocabulary
    └── TruncatedStream       502  a stream ended before its end
```

The envelope is OpenAI's: `{"error": {"message", "type", "param", "code"}}`, all four keys always
present (openai-openapi, schema `Error`).
"""

from enum import StrEnum
from typing import Any, Self

ErrorEnvelope = dict[str, dict[str, Any]]


class Reason(StrEnum):
    """Why a call to an upstream failed, for the operator: a label of metrics, a word of the log.

    Finer than the codes that clients get, and closed: an upstream cannot invent one.
    """

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    PROXY = "proxy"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    """Nothing moved for too long within a body, the request's or the reply's."""
    BUSY = "busy"
    """No place among `max_connections`, or in the queue for one."""
    STOPPING = "stopping"
    """The gateway itself stops: no fault of the upstream."""
    CLOSED = "closed"
    """The connection ended before the reply's head did."""
    BAD_HTTP = "bad_http"
    BAD_REPLY = "bad_reply"
    """HTTP, but not the JSON or the events that its endpoint promises."""
    TRUNCATED = "truncated"
    SERVER_ERROR = "server_error"
    """A status of 500 or more."""
    ERROR_REPLY = "error_reply"
    """An error within a reply whose status says success: in its body, or as an event."""
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    """401 or 403 to a key that is the gateway's own."""
    REJECTED = "rejected"
    """Any other status of 400 or more: the upstream finds the client's request wrong."""


def reason_of(status: int) -> Reason:
    """Return the reason that the status of an upstream's error reply gives."""
    if status == 429:
        return Reason.RATE_LIMITED
    if status >= 500:
        return Reason.SERVER_ERROR
    return Reason.REJECTED if status >= 400 else Reason.ERROR_REPLY


class GatewayError(Exception):
    """An error with the status and the envelope that the client receives.

    `message` says what is wrong and what to do about it. `param` is the *client's* path of the
    offending parameter (`messages[1].content`). `headers` are extra reply headers.
    """

    status = 500
    type = "server_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int | None = None,
        type: str | None = None,  # noqa: A002 - the envelope's own word
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = headers
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type

    def bare(self) -> Self:
        """Return the error itself, without the frames and the errors that it came by.

        For whoever keeps it: a traceback's frames keep all that they hold, such as a request's
        body, and where they hold the keeper too, only the garbage collector ends that.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self

    def envelope(self) -> ErrorEnvelope:
        """Return the JSON body: the four keys, always all four."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


class InvalidRequest(GatewayError):
    """The request is wrong whatever the model: syntax, type, range, a missing parameter."""

    status = 400
    type = "invalid_request_error"

    def renamed(self, param: str | None) -> Self:
        """Return the same error about a parameter that the client calls by another name."""
        message = self.message
        if self.param and param:
            message = message.replace(f"'{self.param}'", f"'{param}'")
        return type(self)(message, param=param, code=self.code, status=self.status)


class UnsupportedParameter(InvalidRequest):
    """A parameter that cannot be expressed at the endpoint where the model lives."""

    code = "unsupported_parameter"


class PayloadTooLarge(InvalidRequest):
    """The request body passes the configured limit."""

    status = 413
    code = "request_too_large"


def body_timed_out(seconds: float) -> InvalidRequest:
    """Return the error for a request body that stops coming (RFC 9110 section 15.5.9)."""
    return InvalidRequest(
        f"No part of the request body came for {seconds:g} s.",
        status=408,
        code="request_timeout",
    )


class AuthenticationFailed(GatewayError):
    """The gateway has its own clients and this is none of them."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class PermissionDenied(GatewayError):
    """A known client may not do this."""

    status = 403
    type = "invalid_request_error"
    code = "permission_denied"


class ModelNotFound(GatewayError):
    """No endpoint of the upstream knows the model; the message says what was checked."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"


class UnknownRoute(GatewayError):
    """The path is none that the gateway serves or passes on."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_url"


class MethodNotAllowed(GatewayError):
    """The path exists, but not with this method."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"


class ShuttingDown(GatewayError):
    """The gateway drains: no new requests."""

    status = 503
    type = "server_error"
    code = "shutting_down"


class LoopDetected(GatewayError):
    """The request has come back to a gateway that it had passed (the status is RFC 5842's)."""

    status = 508
    type = "server_error"
    code = "loop_detected"


class UpstreamError(GatewayError):
    """The upstream's answer cannot be used.

    `reason` is for the operator, who reads it in the log and in the metrics, as `code` is for the
    client. `upstream_status` is the status of the upstream's error reply, if it gave one; that
    decides on the reason where none is given.
    """

    status = 502
    type = "server_error"
    code: str | None = "upstream_error"
    reason = Reason.BAD_REPLY

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        upstream_status: int = 0,
        param: str | None = None,
        code: str | None = None,
        status: int | None = None,
        type: str | None = None,  # noqa: A002 - the envelope's own word
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message, param=param, code=code, status=status, type=type, headers=headers)
        self.upstream_status = upstream_status
        if reason is None:
            reason = reason_of(upstream_status) if upstream_status else self._default_reason()
        self.reason = reason

    def _default_reason(self) -> Reason:
        """Return the reason where neither it nor an upstream's status was given."""
        return self.reason


class UpstreamUnavailable(UpstreamError):
    """No connection could be had; the request was certainly not processed."""

    code = "upstream_unavailable"
    reason = Reason.UNREACHABLE


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer in the time its phase may take."""

    status = 504
    code = "upstream_timeout"
    reason = Reason.IDLE_TIMEOUT


_LIMITS = frozenset({"rate_limit_exceeded", "insufficient_quota"})
"""Codes of a 429, for errors that come without a status."""


class UpstreamReplied(UpstreamError):
    """The upstream's own error reply, with parameter names translated to the client's.

    `code` is the upstream's too: None where it gave none, or only a number. Without an
    `upstream_status` it was told within a reply that had status 200.
    """

    code: str | None = None
    reason = Reason.ERROR_REPLY

    def _default_reason(self) -> Reason:
        if self.status == 429 or self.code in _LIMITS:
            return Reason.RATE_LIMITED
        return Reason.REJECTED if self.status < 500 else Reason.ERROR_REPLY


class TruncatedStream(UpstreamError):
    """An upstream stream stopped before its end; it must not look complete to the client."""

    reason = Reason.TRUNCATED
    code = "upstream_stream_truncated"
