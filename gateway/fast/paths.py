"""Picks the fast path for a pair of shapes, where there is one."""

from gateway.fast.chat_via_responses import CHAT_VIA_RESPONSES
from gateway.fast.codec import EncodedRequest, FastCodec
from gateway.fast.completions_via_chat import COMPLETIONS_VIA_CHAT
from gateway.shapes import Shape
from gateway.translate.composed import pivot_context
from gateway.translate.contract import Context


def chain(outer: FastCodec, inner: FastCodec) -> FastCodec:
    """Return the codec by way of chat: of what both admit."""

    def fits(context: Context) -> bool:
        return outer.fits(pivot_context(context)) and inner.fits(context)

    def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
        chat = outer.encode_request(body, pivot_context(context))
        return None if chat is None else inner.encode_request(chat[0], context)

    def decode_reply(body: bytes, limit: int, context: Context) -> bytes | None:
        chat = inner.decode_reply(body, limit, context)
        return None if chat is None else outer.decode_reply(chat, limit, pivot_context(context))

    return FastCodec(outer.source, inner.target, fits, encode_request, decode_reply)


_CODECS = {
    (codec.source, codec.target): codec
    for codec in (
        COMPLETIONS_VIA_CHAT,
        CHAT_VIA_RESPONSES,
        chain(COMPLETIONS_VIA_CHAT, CHAT_VIA_RESPONSES),
    )
}


def fast_codec(client: Shape, target: Shape, context: Context) -> FastCodec | None:
    """Return the codec from one shape to another, if there is one that fits the context."""
    codec = _CODECS.get((client, target))
    return codec if codec is not None and codec.fits(context) else None
