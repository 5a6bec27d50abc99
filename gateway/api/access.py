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
        keys = presented_keys(headers)
        if not keys:
            raise AuthenticationFailed(
                "You didn't provide an API key. Send the key that the gateway's operator gave you "
                "in an Authorization header: `Authorization: Bearer YOUR_KEY`."
            )
        for key in keys:
            client = self._by_digest.get(hashlib.sha256(key).hexdigest())
            if client is not None:
                return client
        raise AuthenticationFailed(
            "Incorrect API key provided. This gateway has keys of its own: use the one that "
            "its operator gave you."
        )


def presented_keys(headers: RawHeaders) -> list[bytes]:
    """Return the keys of `Authorization: Bearer …`, `api-key` and `x-api-key`, in this order.

    The second is Azure's, the third Anthropic's, whose clients send both where two variables are
    set. A Bearer without a key does not count: clients send one where a variable for it is empty.
    """
    bearers: list[bytes] = []
    others: list[bytes] = []
    for name, value in headers:
        scheme, _, key = value.strip().partition(b" ")
        if name == b"authorization" and scheme.lower() == b"bearer":
            bearers.append(key.strip())
        elif name in _KEY_FIELDS:
            others.append(value.strip())
    return [key for key in (*bearers, *others) if key]
