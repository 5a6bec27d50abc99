"""The gateway's content of `thinking.signature` and `redacted_thinking.data`.

Anthropic signs there. Clients send both back unread. Anthropic refuses any signature but its own,
so the gateway's have a prefix by which they are recognised and kept from it. After the prefix come
the fields that the upstream wants back with the next turn, sealed for one caller, together with the
server, the family of models and the text of the block. A signature does not open if it was changed,
or comes back for another model.
"""

import hashlib
import re

from gateway.shapes import Json
from gateway.translate.contract import Context

PREFIX = "gw1."
"""The prefix of all signatures of gateways; the digit is the version of the format."""

THINKING = "thinking"
"""The `kind` of sealed content that belongs to one block of reasoning."""

_FAMILY = re.compile(r"[^0-9]*[0-9]+(?:\.[0-9]+)*")
"""A model's name up to its version: `gpt-5.4` of `gpt-5.4-mini-2026-03-05`."""


def pack(content: Json, text: str, context: Context) -> str:
    """Return a signature that carries `content`, for a block with `text`.

    Without content, or without a seal, it is the bare prefix.
    """
    sealed = close(content, text, context) if content else None
    return PREFIX if sealed is None else PREFIX + sealed


def unpack(signature: str, text: str, context: Context) -> Json | None:
    """Return the content of a signature of a block with `text`.

    None: it is not the gateway's, or has no content, or was sealed under another secret or for
    another caller, server, family of models, or text.
    """
    if not is_gateways(signature):
        return None
    return open_sealed(signature.removeprefix(PREFIX), text, context)


def is_gateways(signature: str) -> bool:
    """Whether a gateway made a signature, which may have been under another secret."""
    return signature.startswith(PREFIX)


def carries(signature: str) -> bool:
    """Whether a gateway has packed something into a signature, which may not open here."""
    return is_gateways(signature) and signature != PREFIX


def close(content: Json, text: str, context: Context) -> str | None:
    """Return the sealed content of a block with `text`, without the prefix; None: no seal.

    For fields that clients of other shapes send back: a response's `encrypted_content`.
    """
    if context.seal is None:
        return None
    origin = _origin(text, context)
    return context.seal.close({"kind": THINKING, **origin, "content": content})


def open_sealed(sealed: str, text: str, context: Context) -> Json | None:
    """Return the content that `close` has sealed for this server and family of models, or None."""
    opened = None if context.seal is None else context.seal.open(sealed)
    if opened is None or opened.get("kind") != THINKING:
        return None
    if any(opened.get(name) != value for name, value in _origin(text, context).items()):
        return None
    content: Json = opened["content"]
    return content


def _origin(text: str, context: Context) -> Json:
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16)
    model = context.model_sent.lower()
    family = _FAMILY.match(model)
    return {
        "upstream": context.upstream,
        "family": model if family is None else family[0],
        "text": digest.hexdigest(),
    }
