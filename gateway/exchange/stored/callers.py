"""Identifies the callers to whom stored responses and sealed content belong."""

import hmac

from gateway.config.settings import ClientSettings
from gateway.headers import ACCOUNT_HEADERS, CALLER_HEADERS, CREDENTIAL_HEADERS, unambiguous
from gateway.shapes import RawHeaders

_AUTHORIZATION = b"authorization"
_BEARER = b"bearer"


def caller_of(
    headers: RawHeaders, client: ClientSettings | None, identifying: frozenset[bytes] = frozenset()
) -> bytes:
    """Return bytes that distinguish a caller; they must never be shown.

    A configured client is identified by its name, since its key can change. Any other caller is
    identified by its credential, whatever field carries that, with the account that it is used for,
    and by the `identifying` fields that upstreams are sent. All callers without any of these count
    as one.
    """
    if client is not None:
        return b"client:" + client.name.encode()
    credential = _credential(headers)
    identified = sorted(field for field in headers if field[0] in identifying)
    if not (credential or identified):
        return b"nobody"
    accounts = sorted(field for field in headers if field[0] in ACCOUNT_HEADERS)
    return b"credential:" + unambiguous([(b"", credential), *accounts, *identified])


def fields_of(headers: RawHeaders) -> bytes:
    """Return the bytes that distinguished a caller without a name in versions up to 0.2.0."""
    return unambiguous(sorted(field for field in headers if field[0] in CALLER_HEADERS))


def owner_of(
    secret: bytes,
    headers: RawHeaders,
    client: ClientSettings | None,
    identifying: frozenset[bytes] = frozenset(),
) -> str:
    """Return the id of a caller in a store: a hash of `caller_of`, keyed by `secret`."""
    return hmac.new(secret, caller_of(headers, client, identifying), "sha256").hexdigest()


def _credential(headers: RawHeaders) -> bytes:
    """Return the credential that upstreams get: Authorization's, or else another field's."""
    others = b""
    for name, value in headers:
        if name not in CREDENTIAL_HEADERS:
            continue
        if name != _AUTHORIZATION:
            others = others or value.strip()
            continue
        scheme, _, key = value.strip().partition(b" ")
        given = key.strip() if scheme.lower() == _BEARER else value.strip()
        if given:
            return given
    return others
