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
└── UpstreamError             502  the upstream answered with something unusable, or not at all
    ├── UpstreamUnavailable   502  no connection; nothing was sent
    ├── UpstreamTimeout       504
    ├── UpstreamReplied       any  the upstream's own error, in the client's vocabulary
    └── TruncatedStream       502  a stream ended before its end
```

The envelope is OpenAI's: `{"error": {"message", "type", "param", "code"}}`, all four keys always
present (openai-openapi, schema `Error`).
"""

from typing import Any

ErrorEnvelope = dict[str, dict[str, Any]]


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


class UnsupportedParameter(InvalidRequest):
    """A parameter that cannot be expressed at the endpoint where the model lives."""

    code = "unsupported_parameter"


class PayloadTooLarge(InvalidRequest):
    """The request body passes the configured limit."""

    status = 413
    code = "request_too_large"


def too_large(limit: int) -> PayloadTooLarge:
    """Return the error for a request body beyond its limit (bytes)."""
    return PayloadTooLarge(
        f"The request body is larger than {limit} bytes, which is this gateway's limit."
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


class UpstreamError(GatewayError):
    """The upstream's answer cannot be used."""

    status = 502
    type = "server_error"
    code: str | None = "upstream_error"


class UpstreamUnavailable(UpstreamError):
    """No connection could be had; the request was certainly not processed."""

    code = "upstream_unavailable"


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer in the time its phase may take."""

    status = 504
    code = "upstream_timeout"


class UpstreamReplied(UpstreamError):
    """The upstream's own error reply, with parameter names translated to the client's.

    `code` is the upstream's too: None where it gave none, or only a number.
    """

    code: str | None = None


class TruncatedStream(UpstreamError):
    """An upstream stream stopped before its end; it must not look complete to the client."""

    code = "upstream_stream_truncated"
