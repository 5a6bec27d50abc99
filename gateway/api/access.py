"""Who is calling, where the gateway has clients of its own."""

import hashlib
from collections.abc import Sequence

from gateway.config.settings import ClientSettings
from gateway.errors import AuthenticationFailed
from gateway.shapes import RawHeaders


class Access:
    """Knows the configured clients by the SHA-256 of their keys; the keys themselves are nowhere.

    Looking a digest up in a dict leaks nothing useful through time: whoever measures it chooses the
    key, not its digest.
    """

    def __init__(self, clients: Sequence[ClientSettings]) -> None:
        self._by_digest = {client.key_sha256.lower(): client for client in clients}

    def client(self, headers: RawHeaders) -> ClientSettings | None:
        """Return who is calling; None where the gateway has no clients of its own.

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
    """Return the key of `Authorization: Bearer …` or of Azure's `api-key`, or nothing."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            return key.strip() if scheme.lower() == b"bearer" else b""
    return next((value.strip() for name, value in headers if name == b"api-key"), b"")
