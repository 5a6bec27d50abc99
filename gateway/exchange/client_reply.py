"""The replies that clients get."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.exchange.reply.body import ReplyBody
from gateway.headers import EVENT_STREAM, JSON


@dataclass(slots=True)
class ClientReply:
    """The reply to a client."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | ReplyBody


def json_reply(
    body: bytes, status: int = 200, fields: Iterable[tuple[bytes, bytes]] = ()
) -> ClientReply:
    """Return a JSON reply that the gateway wrote; `fields` are further header fields."""
    length = (b"content-length", b"%d" % len(body))
    return ClientReply(status, [JSON, length, *fields], body)


def event_stream_reply(
    body: bytes | ReplyBody, fields: Iterable[tuple[bytes, bytes]] = ()
) -> ClientReply:
    """Return an event stream that the gateway writes; `fields` are further header fields."""
    return ClientReply(200, [*EVENT_STREAM, *fields], body)
