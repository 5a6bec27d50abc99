"""Which web pages of other origins may read replies: CORS (the Fetch standard, section 3.2).

Browsers ask before a page's request (a preflight), without the page's credentials. So preflights
are answered before anything else, and never reach an upstream. The fields are in every reply, in
errors too: without them a page sees no status and no message.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.api.admission import Admission, refusal
from gateway.errors import PermissionDenied
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import SHOWN_FIELDS, Decision
from gateway.request import Head, Request
from gateway.shapes import ClientHeaders, RawHeaders

ANY = "*"
MAX_AGE = 600
"""Seconds for which browsers may keep the answer to a preflight."""

_METHODS = b"DELETE, GET, HEAD, PATCH, POST, PUT"
_EXPOSED = b", ".join([*SHOWN_FIELDS, b"x-request-id", b"request-id", b"retry-after"])
_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:[ \t]*,[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
_SUBDOMAIN = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
_VARY = (b"vary", b"Origin")


class Cors:
    """Answers preflights, and gives replies their fields. `origins` are as configured."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = ANY in origins
        self._exact = frozenset(origin.encode() for origin in origins)
        wildcards = [re.escape(each).replace(r"\*", _SUBDOMAIN) for each in origins if "*" in each]
        self._pattern = re.compile("|".join(wildcards).encode()) if wildcards else None

    def admission(self, head: Head, admit: Callable[[Head], Admission]) -> Admission:
        """Return the admission of a request, with the fields for its origin."""
        origin = _origin(head.headers)
        names = [name for name, _ in head.headers]
        if head.method == "OPTIONS" and origin and b"access-control-request-method" in names:
            return self._preflight(head, origin)
        admission = admit(head)
        admission.cors = self._fields(origin)
        return admission

    def _fields(self, origin: bytes) -> RawHeaders:
        """Return the fields of every reply to an origin (empty: the request has none)."""
        exposed = (b"access-control-expose-headers", _EXPOSED)
        if self._any:
            return (b"access-control-allow-origin", b"*"), exposed
        if not self.allows(origin):
            return (_VARY,)
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            exposed,
            _VARY,
        )

    def allows(self, origin: bytes) -> bool:
        """Whether web pages of an origin may call."""
        if self._any or origin in self._exact:
            return True
        return self._pattern is not None and self._pattern.fullmatch(origin) is not None

    def _preflight(self, head: Head, origin: bytes) -> Admission:
        if not self.allows(origin):
            error = PermissionDenied(
                "Web pages of this origin may not call the gateway: it is not in "
                "server.cors_origins.",
                code="origin_not_allowed",
            )
            return replace(refusal(error), cors=self._fields(origin))
        fields = [
            *self._fields(origin),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", b"%d" % MAX_AGE),
            (b"vary", b"Access-Control-Request-Headers"),
        ]
        wanted = b", ".join([v for n, v in head.headers if n == b"access-control-request-headers"])
        if _NAMES.fullmatch(wanted):
            # Named one by one: `*` would not cover Authorization.
            fields.append((b"access-control-allow-headers", wanted))
        admission = Admission(Request(head.method, ""), _agree, 0, needs_body=False)
        return replace(admission, while_draining=True, cors=tuple(fields))


async def _agree(request: Request, decision: Decision) -> ClientReply:  # noqa: ARG001
    return ClientReply(204, [], b"")


def _origin(headers: ClientHeaders) -> bytes:
    """Return the request's origin; empty without exactly one."""
    origins = [value for name, value in headers if name == b"origin"]
    return origins[0] if len(origins) == 1 else b""
