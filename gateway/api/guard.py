"""Refuses malformed and dangerous requests that the HTTP parser accepts.

Decisions here and in the routes use the raw path (cleaned by `paths.without_duplicates`), never a
URL rebuilt from the Host header (CVE-2026-48710).
"""

import re
from collections.abc import Collection

from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, PayloadTooLarge
from gateway.headers import CALLER_HEADERS, SET_BY_THE_GATEWAY, host_of
from gateway.hops import refuse_loops
from gateway.request import Head
from gateway.safe_path import check_path
from gateway.shapes import ClientHeaders, RawHeaders

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_FIELDS = 100
MAX_HEADER_BYTES = 64 * 1024

_HARMLESS_PATH = re.compile(rb"(?:/[A-Za-z0-9_-]+)+")
"""Paths without dots, escapes and empty segments, which need no further checks."""
_NAME_IN_PATH = re.compile(rb"^(?:/openai)?(?:/v1)?/(?:deployments|models|engines)/[^/]+")
"""The part of a path that names a model, which may have encoded slashes: `org%2Fmodel`."""

_MEANINGFUL = frozenset(
    {
        *CALLER_HEADERS,
        *SET_BY_THE_GATEWAY,
        *(b"anthropic-beta", b"anthropic-version", b"content-encoding", b"content-type"),
        *(b"idempotency-key", b"openai-beta", b"openai-safety-identifier", b"user-agent"),
        *(b"x-api-key", b"x-client-request-id", b"x-request-id", b"x-real-ip"),
    }
)
"""Fields that the gateway, a proxy in front or an upstream interprets."""
_MEANINGFUL_PREFIXES = (b"x-forwarded-", b"x-gateway-", b"x-stainless-")


def check(head: Head, allowed_hosts: Collection[str]) -> ClientHeaders:
    """Return the head's fields for the routes.

    Raises a `GatewayError` for a request that must not reach a route. Empty `allowed_hosts` allow
    any host; a sidecar lists its own, against DNS rebinding.
    """
    if head.method not in METHODS:
        raise MethodNotAllowed(
            f"The method {head.method[:16]!r} is not supported.",
            headers=(("allow", ", ".join(sorted(METHODS))),),
        )
    _check_target(head)
    headers = _checked_headers(head.headers)
    _check_host(headers, allowed_hosts)
    refuse_loops(headers)
    return headers


def refuse_compressed(headers: RawHeaders) -> None:
    """Raise `InvalidRequest` for a compressed body, where the gateway has to read it."""
    coded = [value.lower() for name, value in headers if name == b"content-encoding"]
    if any(value != b"identity" for value in coded):
        raise InvalidRequest(
            "Compressed request bodies are not supported; send the body uncompressed.",
            status=415,
            code="unsupported_content_encoding",
        )


def _check_target(head: Head) -> None:
    raw_path = head.raw_path
    if len(raw_path) + len(head.query) > MAX_TARGET_BYTES:
        raise GatewayError(
            f"The request target is longer than {MAX_TARGET_BYTES} bytes.",
            status=414,
            type="invalid_request_error",
            code="uri_too_long",
        )
    if _HARMLESS_PATH.fullmatch(raw_path):
        return
    if not raw_path.startswith(b"/"):
        raise InvalidRequest("The request target must begin with a slash.", code="invalid_path")
    if b"//" in raw_path:
        raise InvalidRequest(
            "The path has two consecutive slashes: an id or a name is missing between them, or one "
            "slash must be removed.",
            code="invalid_path",
        )
    check_path(raw_path.decode("latin-1"))
    if b"%5c" in raw_path.lower() or b"%2f" in _NAME_IN_PATH.sub(b"", raw_path).lower():
        raise InvalidRequest("The path must not contain encoded slashes.", code="invalid_path")


def _checked_headers(headers: ClientHeaders) -> ClientHeaders:
    names = b"".join([name for name, _ in headers])
    size = len(names) + sum([len(value) for _, value in headers])
    if len(headers) > MAX_HEADER_FIELDS or size > MAX_HEADER_BYTES:
        raise PayloadTooLarge(
            f"The request has too many header fields: send at most {MAX_HEADER_FIELDS} with "
            f"{MAX_HEADER_BYTES} bytes in all.",
            status=431,
            code="headers_too_large",
        )
    return _without_underscores(headers) if b"_" in names else headers


def _without_underscores(headers: ClientHeaders) -> ClientHeaders:
    """Drop the fields whose names have an underscore, as nginx does.

    Agents send `session_id`. Servers that read underscores as dashes (CGI, WSGI) could mistake such
    a field for a meaningful one; a name that allows that is refused as an attack.
    """
    for name, _ in headers:
        dashed = name.replace(b"_", b"-")
        if dashed != name and (dashed in _MEANINGFUL or dashed.startswith(_MEANINGFUL_PREFIXES)):
            raise InvalidRequest(
                f"The header name {name[:64].decode('latin-1')!r} has an underscore, and could be "
                f"mistaken for {dashed[:64].decode('latin-1')!r}; use dashes.",
                code="invalid_header",
            )
    return ClientHeaders(field for field in headers if b"_" not in field[0])


def _check_host(headers: RawHeaders, allowed_hosts: Collection[str]) -> None:
    host = host_of(headers)
    if host is None:
        raise InvalidRequest("Send exactly one Host header: a name and an optional port.")
    if allowed_hosts and host not in allowed_hosts:
        raise GatewayError(
            "This host name is not in server.allowed_hosts.",
            status=421,
            type="invalid_request_error",
            code="unknown_host",
        )
