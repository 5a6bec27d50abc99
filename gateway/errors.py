"""Every error that the gateway can send to a client: one tree, one envelope, no framework.

```
GatewayError
├── InvalidRequest            400  the body or a parameter is wrong
│   ├── UnsupportedParameter  400  no equivalent where the model lives
│   └── PayloadTooLarge       413
├── AuthenticationFailed      401
├── PermissionDenied          403
├── ModelNotFound             404
├── UnknownRoute              404
├── MethodNotAllowed          405
├── ShuttingDown              503
├── LoopDetected              508
└── UpstreamError             502  the upstream's reply is unusable or missing
    ├── UpstreamUnavailable   502  no connection; nothing was sent
    ├── UpstreamTimeout       504
    ├── UpstreamReplied       any  the upstream's own error, with the client's parameter names
    └── TruncatedStream       502  a stream broke off
```

The envelope is OpenAI's: `{"error": {"message", "type", "param", "code"}}`, all four keys always
present (openai-openapi, schema `Error`).
"""

from enum import StrEnum
from typing import Any, Self

ErrorEnvelope = dict[str, dict[str, Any]]


class Reason(StrEnum):
    """Why an upstream call failed, for the operator: a metrics label, and a field of the log.

    Finer than the codes that clients get, and a closed set: an upstream cannot add one.
    """

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    EXHAUSTED = "exhausted"
    """The gateway's own process or machine has nothing left for a connection, such as files."""
    TLS = "tls"
    PROXY = "proxy"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    """No progress for too long within the request's or the reply's body."""
    BUSY = "busy"
    """`max_connections` and the queue for them are full."""
    LOADING = "loading"
    """The server is still loading its model, and says so."""
    STOPPING = "stopping"
    """The gateway itself shuts down."""
    CLOSED = "closed"
    """The connection ended before the reply's head was complete."""
    BAD_HTTP = "bad_http"
    BAD_REPLY = "bad_reply"
    """HTTP, but not the JSON or the events of its endpoint."""
    TRUNCATED = "truncated"
    NO_ENDPOINT = "no_endpoint"
    """It has no endpoint at the URLs tried: `base_url` is probably wrong."""
    SERVER_ERROR = "server_error"
    """A status of 500 or above."""
    ERROR_REPLY = "error_reply"
    """An error in a reply with a success status: in its body, or as an event."""
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    """The gateway's own key is not accepted, by the status or by the error in the reply."""
    REJECTED = "rejected"
    """Any other status of 400 or above: the upstream rejects the client's request."""


def reason_of(status: int) -> Reason:
    """Return the reason for the status of an upstream's error reply."""
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
        """Return the error itself without its traceback and context, to be stored.

        A traceback's frames keep all their objects alive, such as a request's body; if these
        include the error's owner, only the garbage collector frees them.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self

    def envelope(self) -> ErrorEnvelope:
        """Return the JSON body, with all four keys."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


class InvalidRequest(GatewayError):
    """The request is wrong for any model: syntax, type, range, a missing parameter."""

    status = 400
    type = "invalid_request_error"

    def renamed(self, param: str | None) -> Self:
        """Return the same error with the client's own name of the parameter."""
        message = self.message
        if self.param and param:
            message = message.replace(f"'{self.param}'", f"'{param}'")
        return type(self)(message, param=param, code=self.code, status=self.status)


class UnsupportedParameter(InvalidRequest):
    """A parameter that cannot be expressed at the endpoint where the model lives."""

    code = "unsupported_parameter"


class PayloadTooLarge(InvalidRequest):
    """The request body exceeds the configured limit."""

    status = 413
    code = "request_too_large"


def body_timed_out(seconds: float) -> InvalidRequest:
    """Return the error for a request body that stops arriving (RFC 9110 section 15.5.9)."""
    return InvalidRequest(
        f"No request-body data received for {seconds:g} s.",
        status=408,
        code="request_timeout",
    )


class AuthenticationFailed(GatewayError):
    """The key is not one of the gateway's own clients."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class PermissionDenied(GatewayError):
    """A known client may not do this."""

    status = 403
    type = "invalid_request_error"
    code = "permission_denied"


class ModelNotFound(GatewayError):
    """No endpoint of the upstream has the model; the message says which were checked."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"


class UnknownRoute(GatewayError):
    """The gateway neither serves the path nor passes it through."""

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
    code = "shutting_down"


class LoopDetected(GatewayError):
    """The request has returned to a gateway that it has passed (the status is RFC 5842's)."""

    status = 508
    code = "loop_detected"


class UpstreamError(GatewayError):
    """The upstream's reply cannot be used.

    `reason` is for the operator (log and metrics), `code` for the client. `upstream_status` is the
    status of the upstream's error reply, if there was one; it determines the reason by default.
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
        """Return the reason if neither it nor an upstream's status was given."""
        return self.reason


class UpstreamUnavailable(UpstreamError):
    """No connection was available; the request was certainly not processed."""

    code = "upstream_unavailable"
    reason = Reason.UNREACHABLE


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer within a phase's timeout."""

    status = 504
    code = "upstream_timeout"
    reason = Reason.IDLE_TIMEOUT


_LIMITS = frozenset({"rate_limit_exceeded", "insufficient_quota"})
"""Codes of a 429, for errors without a status."""


class UpstreamReplied(UpstreamError):
    """The upstream's own error, with parameter names translated to the client's.

    `code` is the upstream's: None without one, or if it is a number. Without an `upstream_status`
    the error was in a reply with status 200.
    """

    code: str | None = None
    reason = Reason.ERROR_REPLY

    def _default_reason(self) -> Reason:
        if self.status == 429 or self.code in _LIMITS:
            return Reason.RATE_LIMITED
        return Reason.REJECTED if self.status < 500 else Reason.ERROR_REPLY


class TruncatedStream(UpstreamError):
    """An upstream's stream broke off; it must not look complete to the client."""

    reason = Reason.TRUNCATED
    code = "upstream_stream_truncated"
