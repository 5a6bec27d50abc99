"""Seals for content that a client stores between two turns and cannot read: `shapes.Seal`.

A sealed text is `egs1.` followed, in base64url, by a random salt and the content, encrypted with
AES-256-GCM under a key derived from the salt and the gateway's secret; with XChaCha20-Poly1305 if
the processor has no instructions for AES. Each text has its own key, so the nonce can be constant.
The caller is authenticated with the content: a text opens for the caller that it was sealed for,
and for no other.
"""

import base64
import binascii
import contextlib
import hashlib
import os

import msgspec

from gateway.config.settings import ClientSettings
from gateway.exchange.stored.callers import caller_of, fields_of
from gateway.shapes import Json, RawHeaders

PREFIX = "egs1."
"""The prefix of every sealed text; the digit is the version of the format."""

_SALT_BYTES = 16
_TAG_BYTES = 16
_AES_NONCE = bytes(12)
_CHACHA_NONCE = bytes(24)


class Seals:
    """Makes seals under one secret; `keeps` is whether replies are stored, too.

    `identifying` are header fields that distinguish callers without a name, besides the usual ones;
    a reload may change them.
    """

    def __init__(
        self, secret: str, *, keeps: bool = False, identifying: frozenset[bytes] = frozenset()
    ) -> None:
        self._master = hashlib.blake2b(secret.encode(), digest_size=32, person=b"seal").digest()
        self._keeps = keeps
        self.identifying = identifying

    def of(
        self, headers: RawHeaders, client: ClientSettings | None, *, remembers: bool = False
    ) -> "CallersSeal":
        """Return the seal of the caller with these header fields.

        `remembers` is whether the caller's socket remembers the reply.
        """
        return CallersSeal(
            self._master,
            headers,
            client,
            self.identifying,
            keeps=self._keeps,
            remembers=remembers,
        )


class CallersSeal:
    """Seals and opens content for one caller, as `caller_of` identifies it (a `shapes.Seal`)."""

    __slots__ = ("_client", "_headers", "_identifying", "_master", "keeps", "remembers")

    def __init__(
        self,
        master: bytes,
        headers: RawHeaders,
        client: ClientSettings | None,
        identifying: frozenset[bytes],
        *,
        keeps: bool,
        remembers: bool,
    ) -> None:
        self._master = master
        self._identifying = identifying
        self._headers = headers
        self._client = client
        self.keeps = keeps
        self.remembers = remembers

    def close(self, content: Json) -> str:
        """Return the content, sealed."""
        salt = os.urandom(_SALT_BYTES)
        encoded = msgspec.json.encode(content)
        sealed = _encrypted(self._key(salt), encoded, self._caller())
        return PREFIX + base64.urlsafe_b64encode(salt + sealed).decode("ascii")

    def open(self, text: str) -> Json | None:
        """Return the content; None for a changed text, or one sealed elsewhere or for another."""
        if not text.startswith(PREFIX):
            return None
        try:
            raw = base64.b64decode(text[len(PREFIX) :], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        salt, sealed = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
        if len(sealed) < _TAG_BYTES:
            return None
        key = self._key(salt)
        encoded = _decrypted(key, sealed, self._caller())
        if encoded is None and self._client is None:
            encoded = _decrypted(key, sealed, fields_of(self._headers))
        return None if encoded is None else msgspec.json.decode(encoded, type=Json)

    def is_own(self, text: str) -> bool:
        """Whether a text has the form of a sealed one, perhaps under another secret."""
        return text.startswith(PREFIX)

    def _key(self, salt: bytes) -> bytes:
        key = hashlib.blake2b(salt, key=self._master, digest_size=32, person=b"sealed text")
        return key.digest()

    def _caller(self) -> bytes:
        return caller_of(self._headers, self._client, self._identifying)


# PyNaCl is imported lazily: a gateway that never seals saves the memory.


def _encrypted(key: bytes, content: bytes, caller: bytes) -> bytes:
    from nacl import bindings
    from nacl.exceptions import UnavailableError

    try:
        return bindings.crypto_aead_aes256gcm_encrypt(content, caller, _AES_NONCE, key)
    except UnavailableError:
        return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
            content, caller, _CHACHA_NONCE, key
        )


def _decrypted(key: bytes, sealed: bytes, caller: bytes) -> bytes | None:
    """Return the decrypted content; None if neither cipher can decrypt it."""
    from nacl import bindings
    from nacl.exceptions import CryptoError

    for decrypt, nonce in (
        (bindings.crypto_aead_aes256gcm_decrypt, _AES_NONCE),
        (bindings.crypto_aead_xchacha20poly1305_ietf_decrypt, _CHACHA_NONCE),
    ):
        with contextlib.suppress(CryptoError):
            return decrypt(sealed, caller, nonce, key)
    return None
