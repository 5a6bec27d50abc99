"""Seals what a client keeps between two turns, and brings back unread: see `translate/seal.py`.

A sealed text is `egs1.` and, in base64url, a random salt with the content encrypted by AES-256-GCM
under a key that is derived from the salt and the gateway's secret. So each text has a key of its
own, and the nonce can be constant. It is bound to the caller: nobody else's opens.
"""

import base64
import binascii
import hashlib
import os
from functools import cache
from typing import Any

import msgspec

from gateway.config.settings import ClientSettings
from gateway.headers import CALLER_HEADERS
from gateway.shapes import Json, RawHeaders

PREFIX = "egs1."
"""How every sealed text begins; the digit is the version of what follows."""

_SALT_BYTES = 16
_TAG_BYTES = 16
_NONCE = bytes(12)


class Seals:
    """Seals and opens under one secret; `keeps`: replies are kept in a store, too."""

    def __init__(self, secret: str, *, keeps: bool = False) -> None:
        self._master = hashlib.blake2b(secret.encode(), digest_size=32, person=b"seal").digest()
        self._keeps = keeps

    def of(self, headers: RawHeaders, client: ClientSettings | None) -> "CallersSeal":
        """Return the seal of the caller with these header fields."""
        return CallersSeal(self._master, headers, client, keeps=self._keeps)


class CallersSeal:
    """Seals and opens for one caller (a `translate.seal.Seal`).

    The caller is the gateway's own client, by name, so that its key can be changed; or else whoever
    sends the same credential.
    """

    __slots__ = ("_client", "_headers", "_master", "keeps")

    def __init__(
        self, master: bytes, headers: RawHeaders, client: ClientSettings | None, *, keeps: bool
    ) -> None:
        self._master = master
        self._headers = headers
        self._client = client
        self.keeps = keeps

    def close(self, content: Json) -> str:
        """Return the content, sealed."""
        salt = os.urandom(_SALT_BYTES)
        plain = msgspec.json.encode(content)
        sealed = self._cipher(salt).encrypt(_NONCE, plain, self._caller())
        return PREFIX + base64.urlsafe_b64encode(salt + sealed).decode("ascii")

    def open(self, text: str) -> Json | None:
        """Return what was sealed; None: not by this gateway, not for this caller, or changed."""
        if not text.startswith(PREFIX):
            return None
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(text[len(PREFIX) :], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        salt, sealed = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
        if len(sealed) < _TAG_BYTES:
            return None
        try:
            plain = self._cipher(salt).decrypt(_NONCE, sealed, self._caller())
        except InvalidTag:
            return None
        content: Json = msgspec.json.decode(plain)
        return content

    def is_own(self, text: str) -> bool:
        """Whether a text looks like one of a gateway's, if perhaps under another secret."""
        return text.startswith(PREFIX)

    def _cipher(self, salt: bytes) -> Any:
        key = hashlib.blake2b(salt, key=self._master, digest_size=32, person=b"sealed text")
        return _aes_gcm()(key.digest())

    def _caller(self) -> bytes:
        if self._client is not None:
            return b"client:" + self._client.name.encode()
        said = sorted(field for field in self._headers if field[0] in CALLER_HEADERS)
        return b"".join([b"%d:%b%d:%b" % (len(n), n, len(v), v) for n, v in said])


@cache
def _aes_gcm() -> Any:
    # It takes memory that a gateway which never seals has no use for.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM
