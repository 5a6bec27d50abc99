"""Authentication of the gateway's own clients."""

import hashlib
from collections.abc import Sequence

from gateway.config.settings import ClientSettings
from gateway.errors import AuthenticationFailed
from gateway.shapes import RawHeaders

_KEY_FIELDS = frozenset({b"api-key", b"x-api-key"})


class Access:
    """Recognises the configured clients by the SHA-256 of their keys, which it does not have.

    Timing the look-up of a digest reveals nothing useful: an attacker chooses the key, not its
    digest.
    """

    def __init__(self, clients: Sequence[ClientSettings]) -> None:
        self._by_digest = {
            digest.lower(): client for client in clients for digest in client.key_sha256
        }

    def client(self, headers: RawHeaders) -> ClientSettings | None:
        """Return the calling client; None if the gateway has no clients of its own.

        Raises `AuthenticationFailed` for a missing or unknown key.
        """
        if not self._by_digest:
            return None
        key = presented_key(headers)
        if not key:
            raise AuthenticationFailed(
                "You didn't provide an API key. Send the key that the gateway's operator gave you "
                "in an Authorization header: `Authorization: Bearer YOUR_KEY`."
            )
        client = self._by_digest.get(hashlib.sha256(key).hexdigest())
        if client is None:
            raise AuthenticationFailed(
                "Incorrect API key provided. This gateway has keys of its own: use the one that "
                "its operator gave you."
            )
        return client


def presented_key(headers: RawHeaders) -> bytes:
    """Return the key of `Authorization: Bearer …`, `api-key` or `x-api-key`; empty if none.

    The second is Azure's, the third Anthropic's. A Bearer without a key does not count: clients
    send one where a variable for it is empty.
    """
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer" and not key.strip():
                continue
            return key.strip() if scheme.lower() == b"bearer" else b""
    return next((value.strip() for name, value in headers if name in _KEY_FIELDS), b"")
