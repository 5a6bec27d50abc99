"""Chooses the credential that an upstream is called with, and distinguishes callers.

A credential is bound to one configured upstream. It is sent there, and shown nowhere else: caches
are keyed by its fingerprint, a keyed hash of the *whole* credential. (A cache keyed by a token's
first characters mixed up the users of one JWT issuer: CVE-2026-35030.)
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from gateway.config.checks.identifying_headers import identifying_names
from gateway.config.checks.own_keys import forwards_callers_key
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.headers import ACCOUNT_HEADERS, CALLER_HEADERS, CREDENTIAL_HEADERS, unambiguous
from gateway.shapes import ClientHeaders, RawHeaders

_X_API_KEY = b"x-api-key"
_KEY_FIELDS = frozenset({b"api-key", _X_API_KEY})
_BEARER = re.compile(rb"bearer[ \t]+(.*)", re.IGNORECASE | re.DOTALL)
_IN_QUERIES = frozenset(
    {
        *(b"key", b"apikey", b"token", b"secret", b"password"),
        *(b"auth", b"authorization", b"bearer"),
        *(b"xapikey", b"xgoogapikey", b"subscriptionkey", b"ocpapimsubscriptionkey"),
        *(b"accesstoken", b"authtoken", b"bearertoken", b"idtoken", b"oauthtoken"),
        *(b"clientsecret", b"accesskey", b"secretkey", b"authkey", b"openaiapikey"),
    }
)
"""Names of a query's parameters whose values are credentials: in lower case, without `-` and `_`.

This is a list, unlike the pattern for the names of header fields: `page_token` and `cache_key` are
no credentials.
"""
_SEPARATORS = re.compile(rb"([&;])")
_PROCESS_KEY = secrets.token_bytes(32)


def fingerprint_key(secret: Secret | None) -> bytes:
    """Return the key of fingerprints: of the configured secret, or this process's own."""
    if secret is None:
        return _PROCESS_KEY
    return hashlib.blake2b(
        secret.reveal().encode(), digest_size=32, person=b"fingerprint key"
    ).digest()


class Credentials:
    """The credential policy of one upstream, ready to be applied to each request.

    `own_keys` are the SHA-256 hex digests of the gateway's own client keys: such a key opens this
    gateway and nothing else, so it is never forwarded. `key` is the key of fingerprints. Raises
    `ValueError` when the settings cannot be used: the policy is `key` and no key is configured, or
    the key cannot be a header value.
    """

    def __init__(
        self,
        upstream: UpstreamSettings,
        *,
        own_keys: frozenset[str] = frozenset(),
        key: bytes = _PROCESS_KEY,
    ) -> None:
        # BLAKE2b has a keyed mode of its own (RFC 7693), at a third of the price of an HMAC.
        self._hashed_upstream = hashlib.blake2b(key=key, digest_size=32, person=b"fingerprint")
        self._hashed_upstream.update(_identity(upstream))
        self._key_header = upstream.kind.key_header
        self._messages_key_header = (
            upstream.kind.messages_key_header if upstream.messages_url is not None else b""
        )
        self._may_be_anthropics = upstream.kind.is_unknown
        self._own_keys = frozenset(digest.lower() for digest in own_keys)
        self._forwards_the_callers = forwards_callers_key(upstream)
        self._fixed = self._fixed_headers(upstream)
        self._identifying_names = identifying_names(upstream)
        self.depends_on = self._identifying_names
        """The names of the client's fields that a fingerprint can depend on."""
        if self._forwards_the_callers:
            self.depends_on |= CALLER_HEADERS
        self._constant = self._hash(())
        self._headers_key, self._fingerprint_key = object(), object()

    def headers(self, client_headers: RawHeaders) -> RawHeaders:
        """Return the credential fields to send for a request with these headers."""
        if not self._forwards_the_callers:
            return self._fixed
        if not isinstance(client_headers, ClientHeaders):
            return self._callers_headers(client_headers)
        kept: RawHeaders | None = client_headers.derived.get(self._headers_key)
        if kept is None:
            kept = self._callers_headers(client_headers)
            client_headers.derived[self._headers_key] = kept
        return kept

    def query(self, query: bytes) -> bytes:
        """Return a client's query as it is sent: without credentials, unless these are forwarded.

        All other parameters stay byte for byte.
        """
        if not query:
            return query
        parts = _SEPARATORS.split(query)
        fields, separators = parts[::2], [b"", *parts[1::2]]
        kept = [self._may_be_sent(field) for field in fields]
        if all(kept):
            return query
        joined = zip(separators, fields, kept, strict=True)
        return b"".join([s + field for s, field, keep in joined if keep]).lstrip(b"&;")

    def _may_be_sent(self, field: bytes) -> bool:
        name, _, value = field.partition(b"=")
        word = unquote_to_bytes(name).lower().translate(None, b"-_")
        if word not in _IN_QUERIES:
            return True
        return self._forwards_the_callers and not self._is_the_gateways_own(unquote_to_bytes(value))

    def for_messages(self, client_headers: RawHeaders) -> RawHeaders:
        """Return the credential fields for Anthropic's API.

        An unknown server gets the key in both fields where it may look for it; Claude Code sends
        the key of its `apiKeyHelper` like that.
        """
        fields = self.headers(client_headers)
        if self._messages_key_header and fields and fields[0][0] == self._key_header:
            return ((self._messages_key_header, fields[0][1]), *fields[1:])
        if not (self._may_be_anthropics and fields):
            return fields
        bearer = _BEARER.fullmatch(fields[0][1])
        return (*fields, (_X_API_KEY, bearer[1])) if bearer else fields

    def fingerprint(self, client_headers: RawHeaders) -> str:
        """Return 64 hex digits that are equal when, and only when, the same credential is sent.

        Covers the credential, organisation and project, and forwarded headers that can distinguish
        callers. It holds for one address of the upstream and one key, and gives away nothing.
        """
        if not self.depends_on:
            return self._constant
        if not isinstance(client_headers, ClientHeaders):
            return self._fingerprint_of(client_headers)
        kept: str | None = client_headers.derived.get(self._fingerprint_key)
        if kept is None:
            kept = self._fingerprint_of(client_headers)
            client_headers.derived[self._fingerprint_key] = kept
        return kept

    def _fingerprint_of(self, client_headers: RawHeaders) -> str:
        fields = self.headers(client_headers)
        if self._identifying_names:
            identifying = [field for field in client_headers if field[0] in self._identifying_names]
            fields = (*fields, *identifying)
        return self._hash(fields)

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
        if self._key_header and not _is_bearer_only(token):
            return self._key_header, token
        return b"authorization", b"Bearer " + token

    def _callers_headers(self, client_headers: RawHeaders) -> RawHeaders:
        authorization = api_key = b""
        account: list[tuple[bytes, bytes]] = []
        for field in client_headers:
            name = field[0]
            if name == b"authorization":
                authorization = authorization or _given(field[1])
            elif name in _KEY_FIELDS:
                api_key = api_key or field[1].strip()
            elif name in ACCOUNT_HEADERS:
                account.append(field)
        credential = self._callers_credential(authorization, api_key)
        return () if credential is None else (credential, *account)

    def _callers_credential(
        self, authorization: bytes, api_key: bytes
    ) -> tuple[bytes, bytes] | None:
        if authorization:
            bearer = _BEARER.fullmatch(authorization)
            token = bearer[1] if bearer else authorization
            if not self._is_the_gateways_own(token):
                return self._as_sent(token) if bearer else (b"authorization", token)
        if api_key and not self._is_the_gateways_own(api_key):
            return self._as_sent(api_key)
        return None

    def _is_the_gateways_own(self, token: bytes) -> bool:
        return bool(self._own_keys) and hashlib.sha256(token).hexdigest() in self._own_keys

    def _hash(self, fields: RawHeaders) -> str:
        digest = self._hashed_upstream.copy()
        digest.update(unambiguous(fields))
        return digest.hexdigest()


def _given(authorization: bytes) -> bytes:
    """Return the value of an Authorization field; empty for a Bearer without a key."""
    value = authorization.strip()
    return b"" if value.lower() == b"bearer" else value


class Callers:
    """Distinguishes the callers that any of several upstreams would distinguish, with one hash."""

    def __init__(self, credentials: Iterable[Credentials], key: bytes = _PROCESS_KEY) -> None:
        self._hash = hashlib.blake2b(key=key, digest_size=32, person=b"caller")
        self._names = frozenset[bytes]().union(*(each.depends_on for each in credentials))
        self._key = object()

    def digest(self, client_headers: RawHeaders) -> bytes:
        """Return bytes that differ for callers whose fingerprints differ at any upstream.

        They are equal for callers that send the same values in all fields that a fingerprint can
        depend on. Like fingerprints, they depend on the key and give away nothing.
        """
        if not isinstance(client_headers, ClientHeaders):
            return self._digest_of(client_headers)
        kept: bytes | None = client_headers.derived.get(self._key)
        if kept is None:
            kept = client_headers.derived[self._key] = self._digest_of(client_headers)
        return kept

    def _digest_of(self, client_headers: RawHeaders) -> bytes:
        names = self._names
        digest = self._hash.copy()
        digest.update(unambiguous([field for field in client_headers if field[0] in names]))
        return digest.digest()


def _identity(upstream: UpstreamSettings) -> bytes:
    """Return the settings whose change makes an upstream another one, with nothing learned yet."""
    fields = (("base_url", upstream.base_url), ("kind", upstream.kind.name))
    further = () if upstream.messages_url is None else (("messages_url", upstream.messages_url),)
    fixed = ((name, value.reveal()) for name, value in upstream.headers)
    named = (("name", upstream.name), *fields, ("api_version", upstream.api_version))
    parts = (*named, *further, *fixed)
    return unambiguous([(name.encode(), value.encode()) for name, value in parts])


def _is_bearer_only(token: bytes) -> bool:
    """Whether a token is taken as a bearer token only: Entra ID's at Azure, OAuth at Anthropic."""
    is_jwt = token.startswith(b"eyJ") and token.count(b".") == 2
    return is_jwt or token.startswith(b"sk-ant-oat")
