"""The base URL of an upstream, and the request targets below it.

The operator writes a base URL, but the path below it can come from a client. Proxies that joined
the two unchecked were led out of the configured base by `..` and `%2e%2e` (litellm#24501,
litellm#26467). So every path is checked here, raw and decoded, before it becomes a target.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from gateway.errors import InvalidRequest
from gateway.safe_path import check_path

_NOT_IN_A_QUERY = re.compile(rb"[^\x21-\x7e]|#")
_API_PATH = re.compile(r"(?:(?:/orgs/[^/]+)?/inference|/openai|/v1)\Z")
"""The end of a base URL that names the compatible API, and not the place of the server."""
_SIMPLE_PATH = re.compile(r"(?:/[A-Za-z0-9_\-:~]+)+", re.ASCII)
"""Paths that need no closer look: no dots, no escapes, no empty segments."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The parts of a base URL: the server to connect to, and the beginning of every target."""

    scheme: Literal["http", "https"]
    host: str
    """A name in its ASCII form, or an address without brackets."""
    port: int
    base_path: str
    """The path of the base URL, without a trailing slash; may be empty."""

    @property
    def written_host(self) -> str:
        """The host as URLs have it: an IPv6 address is in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def written_port(self) -> int | None:
        """The port as URLs have it; None for the scheme's own port, which is left out."""
        return None if self.port == (443 if self.scheme == "https" else 80) else self.port

    @property
    def host_header(self) -> bytes:
        """The `Host` field's value."""
        host, port = self.written_host, self.written_port
        return (host if port is None else f"{host}:{port}").encode("ascii")

    @property
    def root_path(self) -> str:
        """The base path without the end that names the compatible API: native APIs start here.

        It is empty for `/v1` and `/inference` (GitHub Models), and `/v1beta` for `/v1beta/openai`
        (Gemini).
        """
        return _API_PATH.sub("", self.base_path)

    def target(self, path: str, query: bytes = b"", *, root: bool = False) -> bytes:
        """Return the request target of a path (still percent-encoded) and query below the base.

        With `root` the target is below the root path: that is for the gateway's own look-ups, never
        for clients. Raises `InvalidRequest` if the path could lead out of the base path, or if path
        or query contain anything that does not belong into a request line.
        """
        if not _SIMPLE_PATH.fullmatch(path):
            check_path(path)
        target = f"{self.root_path if root else self.base_path}{path}".encode("ascii")
        if not query:
            return target
        if _NOT_IN_A_QUERY.search(query):
            raise InvalidRequest(
                "The query string contains a character that must be percent-encoded: only "
                "printable ASCII without '#' is allowed."
            )
        return b"%b?%b" % (target, query)


def parse_base_url(base_url: str) -> Origin:
    """Take a base URL apart; raises `ValueError` when no upstream can be reached at it."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http:// or https:// URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url must not contain a user or password; use api_key or headers")
    if parts.query or parts.fragment:
        raise ValueError("base_url must not contain a query or a fragment")
    base_path = parts.path.rstrip("/")
    if base_path:
        try:
            check_path(base_path)
        except InvalidRequest as error:
            raise ValueError(f"base_url has a path that cannot be used: {error}") from error
    return Origin(
        scheme="https" if parts.scheme == "https" else "http",
        host=_ascii_host(parts.hostname),
        port=parts.port or (443 if parts.scheme == "https" else 80),
        base_path=base_path,
    )


def _ascii_host(host: str) -> str:
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("base_url has a host name that cannot be encoded (IDNA)") from error
    if not re.fullmatch(r"[\x21-\x7e]+", ascii_host):
        raise ValueError("base_url has a host name with a space or control character")
    return ascii_host
