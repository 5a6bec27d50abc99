"""Whose credential an upstream is called with, and how two callers' are told apart.

A credential is bound to one configured upstream. It is sent there, and shown nowhere else: caches
are keyed by its fingerprint, a keyed hash of the *whole* of it. (A cache keyed by a token's first
characters mixed up the users of one JWT issuer: CVE-2026-35030.)
"""

import hashlib
import hmac
import re
import secrets

from gateway.config.settings import CredentialPolicy, Kind, UpstreamSettings
from gateway.shapes import RawHeaders

CREDENTIAL_HEADERS = frozenset({b"authorization", b"api-key"})
"""The fields that carry a credential: OpenAI's, and Azure's `api-key`."""

ACCOUNT_HEADERS = frozenset({b"openai-organization", b"openai-project"})
"""Which account of the key's owner is meant; of no meaning with anybody else's key."""

_BEARER = re.compile(rb"bearer[ \t]+(.*)", re.IGNORECASE | re.DOTALL)
_MAY_TELL_CALLERS_APART = re.compile(rb"key|token|auth|secret|account|user|organi[sz]ation|project")
_PROCESS_KEY = secrets.token_bytes(32)


class Credentials:
    """The credential policy of one upstream, ready to be applied to each request.

    `own_keys` are the SHA-256 hex digests of the gateway's own client keys: such a key opens this
    gateway and nothing else, so it is never forwarded. Raises `ValueError` when the settings
    cannot be used: the policy is `key` and there is none, or it cannot be a header value.
    """

    def __init__(
        self, upstream: UpstreamSettings, *, own_keys: frozenset[str] = frozenset()
    ) -> None:
        self._name = upstream.name.encode()
        self._azure = upstream.kind is Kind.AZURE
        self._own_keys = frozenset(digest.lower() for digest in own_keys)
        self._forwards_the_callers = upstream.credential is CredentialPolicy.CALLER and not any(
            name.lower().encode() in CREDENTIAL_HEADERS for name, _ in upstream.headers
        )
        self._fixed = self._fixed_headers(upstream)
        self._telling_names = frozenset(
            lower
            for name in upstream.forward_headers
            if _MAY_TELL_CALLERS_APART.search(lower := name.lower().encode())
        )
        self._depends_on_caller = self._forwards_the_callers or bool(self._telling_names)
        self._constant = self._hash(())

    def headers(self, client_headers: RawHeaders) -> RawHeaders:
        """Return the credential fields to send for a request with these headers."""
        if not self._forwards_the_callers:
            return self._fixed
        credential = self._callers_credential(client_headers)
        if credential is None:
            return ()
        account = tuple(field for field in client_headers if field[0] in ACCOUNT_HEADERS)
        return (credential, *account)

    def fingerprint(self, client_headers: RawHeaders) -> str:
        """Return 64 hex digits that are equal when, and only when, the same credential is sent.

        Covers the credential, organisation and project, and such forwarded headers as can tell one
        caller from another. It holds for this process only and gives away nothing.
        """
        if not self._depends_on_caller:
            return self._constant
        telling = tuple(field for field in client_headers if field[0] in self._telling_names)
        return self._hash((*self.headers(client_headers), *telling))

    def _fixed_headers(self, upstream: UpstreamSettings) -> RawHeaders:
        if upstream.credential is not CredentialPolicy.KEY:
            return ()
        if upstream.api_key is None or not upstream.api_key.reveal():
            raise ValueError(f"upstream '{upstream.name}': credential is 'key' but has no api_key")
        key = upstream.api_key.reveal()
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError(
                f"upstream '{upstream.name}': api_key contains a space or an unprintable character"
            )
        if any(name.lower().encode() in CREDENTIAL_HEADERS for name, _ in upstream.headers):
            return ()
        return (self._as_sent(key.encode("ascii")),)

    def _as_sent(self, token: bytes) -> tuple[bytes, bytes]:
        if self._azure and not _is_jwt(token):
            return b"api-key", token
        return b"authorization", b"Bearer " + token

    def _callers_credential(self, client_headers: RawHeaders) -> tuple[bytes, bytes] | None:
        found: dict[bytes, bytes] = {}
        for name, value in client_headers:
            if name in CREDENTIAL_HEADERS and value.strip():
                found.setdefault(name, value.strip())
        for name in (b"authorization", b"api-key"):
            if name not in found:
                continue
            bearer = _BEARER.fullmatch(found[name]) if name == b"authorization" else None
            token = bearer[1] if bearer else found[name]
            if self._is_the_gateways_own(token):
                continue
            if name == b"authorization" and bearer is None:
                return name, token
            return self._as_sent(token)
        return None

    def _is_the_gateways_own(self, token: bytes) -> bool:
        return bool(self._own_keys) and hashlib.sha256(token).hexdigest() in self._own_keys

    def _hash(self, fields: RawHeaders) -> str:
        # Lengths go in as well, so that no two different lists of fields read the same.
        parts = [self._name, *(part for field in fields for part in field)]
        message = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return hmac.digest(_PROCESS_KEY, message, "sha256").hex()


def _is_jwt(token: bytes) -> bool:
    """Tell an Entra ID token, which Azure takes as a bearer token only, from a resource key."""
    return token.startswith(b"eyJ") and token.count(b".") == 2
