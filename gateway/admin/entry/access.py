"""Who may use the operators' listener: those with its token, and no other site's pages.

A browser gives the token once (`/?token=…`, or the form) and then has a cookie. The cookie has an
expiry time and its HMAC under the token, so every worker knows it, and a new token ends it. It is
not a password: it opens this listener only, and only until it expires.
"""

import hashlib
import hmac
import time
from collections.abc import Callable

from starlette.requests import Request

from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.headers import CALLER_HEADERS
from gateway.shapes import RawHeaders

COOKIE_SECONDS = 7 * 86_400
"""How long a browser stays signed in."""


class Access:
    """Checks requests; `clock` returns Unix time in seconds."""

    def __init__(self, settings: AdminSettings, clock: Callable[[], float] = time.time) -> None:
        self._token = settings.token
        # Cookies are shared by all ports of a host.
        self._cookie = f"gateway-admin-{settings.port}"
        self._clock = clock

    def check(self, request: Request) -> None:
        """Raise a `GatewayError` without the token, and for a request of another site's page."""
        self.check_site(request)
        if not self.knows(request):
            raise AuthenticationFailed(
                "The admin listener requires its token, in `X-Admin-Token: …` or "
                "`Authorization: Bearer …`."
            )

    def check_site(self, request: Request) -> None:
        """Raise `PermissionDenied` for a request that another site's page makes, except by a link.

        Browsers say where a request comes from (Fetch Metadata; `Origin`, with every POST). Other
        programs send neither header.
        """
        headers = request.headers
        followed = request.method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        own = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers["host"]:
            own = followed = False
        if not (own or followed):
            raise PermissionDenied("Pages of other sites cannot use the admin listener.")

    def knows(self, request: Request) -> bool:
        """Whether the request has the token or a cookie; True if no token is configured."""
        presented = request.headers.get("x-admin-token") or _bearer(request)
        return self._token is None or self.is_token(presented) or self._has_cookie(request)

    def is_token(self, presented: str) -> bool:
        """Whether this is the token; True if none is configured."""
        return self._token is None or _equal(presented, self._token.reveal())

    def cookie(self, request: Request) -> str:
        """Return the `Set-Cookie` value for a browser that has given the token."""
        value = self._signed(round(self._clock()) + COOKIE_SECONDS)
        proxied = request.headers.get("x-forwarded-proto", "")
        secure = "; Secure" if "https" in (request.scope["scheme"], proxied) else ""
        attributes = f"Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Strict{secure}"
        return f"{self._cookie}={value}; {attributes}"

    def callers_credential(self, request: Request) -> RawHeaders:
        """Return the credential for look-ups: never the token, which no upstream may see."""
        headers: list[tuple[bytes, bytes]] = request.scope["headers"]
        if self._token is not None and self.is_token(_bearer(request)):
            headers = [pair for pair in headers if pair[0] != b"authorization"]
        return tuple(pair for pair in headers if pair[0] in CALLER_HEADERS)

    def _has_cookie(self, request: Request) -> bool:
        value = request.cookies.get(self._cookie, "")
        expires = value.partition(".")[0]
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 16):
            return False
        return int(expires) > self._clock() and _equal(value, self._signed(int(expires)))

    def _signed(self, expires: int) -> str:
        token = (self._token or Secret("")).reveal()
        text = f"{self._cookie}:{expires}"
        return f"{expires}.{hmac.new(token.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def _bearer(request: Request) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else ""


def _equal(presented: str, expected: str) -> bool:
    return hmac.compare_digest(presented.encode(), expected.encode())
