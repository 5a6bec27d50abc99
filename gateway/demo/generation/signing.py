"""The signatures of the emulated models' thinking: only those made here are taken back.

A signature has the thinking in it, as Anthropic's do, so that it is valid with the text that was
shown or with none, where the client asked to omit it.
"""

import base64
import hashlib
import hmac

_KEY = b"the emulator"


def signature(thinking: str) -> str:
    """Return the signature of a thought."""
    text = thinking.encode()
    return base64.b64encode(_mac(text) + text).decode()


def is_signed(thinking: str | None, given: str) -> bool:
    """Whether a signature was made here for this thought; None: for any, which is redacted."""
    try:
        packed = base64.b64decode(given, validate=True)
    except ValueError:
        return False
    mac, text = packed[:16], packed[16:]
    shown = thinking is None or thinking.encode() in (b"", text)
    return shown and hmac.compare_digest(mac, _mac(text))


def _mac(text: bytes) -> bytes:
    return hashlib.blake2b(text, key=_KEY, digest_size=16).digest()
