"""Refuses requests that no route should see: what the HTTP parser lets through and should not.

uvicorn's httptools parser accepts no Host and two Hosts, absolute request targets, TRACE, and names
with underscores that a proxy in front may have read as dashes. Decisions here and in the routes are
made on `scope["path"]`, never on a URL rebuilt from the Host header (CVE-2026-48710).
"""

import re
from collections.abc import Collection
from typing import Any

from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, PayloadTooLarge

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_FIELDS = 100
MAX_HEADER_BYTES = 64 * 1024

_HOST = re.compile(rb"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\Z")
_BAD_PATH = re.compile(
    rb"(?i)(?:^|/|%2f)(?:\.|%2e){1,2}(?:/|%2f|$)|%5c|\\|%00|[\x00-\x20\x7f]|^[^/]|^//"
)
_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_-]+)+")
"""Paths that need no closer look: no dots, no escapes, no empty segments."""
_NAME_IN_PATH = re.compile(rb"^(?:/openai)?(?:/v1)?/(?:deployments|models|engines)/[^/]+")
"""Where a path names a model, whose own slashes are encoded: `org%2Fmodel`."""


def check(scope: dict[str, Any], allowed_hosts: Collection[str]) -> None:
    """Raise a `GatewayError` for a request that must not reach a route.

    `allowed_hosts` empty: any host. A sidecar names its own, against DNS rebinding.
    """
    if scope["method"] not in METHODS:
        raise MethodNotAllowed(
            f"The method {scope['method'][:16]!r} is not served.",
            headers=(("allow", ", ".join(sorted(METHODS))),),
        )
    _check_target(scope)
    _check_headers(scope["headers"])
    _check_host(scope["headers"], allowed_hosts)


def _check_target(scope: dict[str, Any]) -> None:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode("latin-1", "replace")
    if len(raw_path) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        raise GatewayError(
            f"The request target is longer than {MAX_TARGET_BYTES} bytes.",
            status=414,
            type="invalid_request_error",
            code="uri_too_long",
        )
    if _PLAIN_PATH.fullmatch(raw_path):
        return
    if b"//" in raw_path[1:]:
        raise InvalidRequest(
            "The path has two slashes in a row. If the base URL ends in a slash, remove that.",
            code="invalid_path",
        )
    if _BAD_PATH.search(raw_path) or b"%2f" in _NAME_IN_PATH.sub(b"", raw_path).lower():
        raise InvalidRequest(
            "The path may not hold '.' or '..' segments, encoded slashes, or control characters.",
            code="invalid_path",
        )


def _check_headers(headers: list[tuple[bytes, bytes]]) -> None:
    names = b"".join([name for name, _ in headers])
    size = len(names) + sum([len(value) for _, value in headers])
    if len(headers) > MAX_HEADER_FIELDS or size > MAX_HEADER_BYTES:
        raise PayloadTooLarge(
            f"At most {MAX_HEADER_FIELDS} header fields and {MAX_HEADER_BYTES} bytes of them.",
            status=431,
            code="headers_too_large",
        )
    if b"_" in names:
        bad = next(name for name, _ in headers if b"_" in name)
        raise InvalidRequest(
            f"The header name {bad[:64].decode('latin-1')!r} has an underscore; use dashes.",
            code="invalid_header",
        )


def _check_host(headers: list[tuple[bytes, bytes]], allowed_hosts: Collection[str]) -> None:
    hosts = [value for name, value in headers if name == b"host"]
    match = _HOST.match(hosts[0]) if len(hosts) == 1 else None
    if match is None:
        raise InvalidRequest("Send exactly one Host header, a name and maybe a port.")
    if allowed_hosts and match["name"].decode("ascii").lower() not in allowed_hosts:
        raise GatewayError(
            "This gateway is not known under that host name (server.allowed_hosts).",
            status=421,
            type="invalid_request_error",
            code="unknown_host",
        )
