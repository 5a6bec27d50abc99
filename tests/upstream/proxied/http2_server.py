"""A server of HTTP/2 that does to each connection what a script says, frame by frame."""

import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from tests.certificates import Pair
from tests.upstream.scripted import Peer, Script

FRAME = 16 * 1024
"""Bytes that one frame may have."""


def server_tls(pair: Pair, *protocols: str) -> ssl.SSLContext:
    """TLS that offers these protocols; HTTP/2 alone where none is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_alpn_protocols(list(protocols or ("h2",)))
    return context


@dataclass
class Stream:
    """A request as it arrived, and the number of its stream."""

    number: int
    headers: dict[str, str]
    body: bytes = b""


class Http2Peer:
    """The server's end of one connection."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self.state = H2Connection(config)
        self._events: deque[Event] = deque()
        self._open: dict[int, Stream] = {}

    async def begin(self, *, window: int = 65535) -> None:
        """Begin the connection; `window` is how many bytes of a body may come unasked."""
        self.state.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.state.initiate_connection()
        await self.flush()

    async def event(self) -> Event:
        """Return the next event; raises `ConnectionResetError` when the client is gone."""
        while not self._events:
            data = await self.peer.reader.read(65536)
            if not data:
                raise ConnectionResetError("the client has gone")
            self._events.extend(self.state.receive_data(data))
            await self.flush()
        return self._events.popleft()

    async def head(self) -> Stream:
        """Wait for the head of a request."""
        while True:
            event = await self.event()
            if isinstance(event, RequestReceived):
                assert event.stream_id is not None
                assert event.headers is not None
                names = [(str(name), str(value)) for name, value in event.headers]
                stream = self._open[event.stream_id] = Stream(event.stream_id, dict(names))
                return stream

    async def request(self) -> Stream:
        """Wait for a whole request."""
        while True:
            event = await self.event()
            assert not isinstance(event, StreamReset)
            if isinstance(event, RequestReceived):
                self._events.appendleft(event)
                await self.head()
            elif isinstance(event, DataReceived):
                assert event.stream_id is not None
                assert event.flow_controlled_length is not None
                self._open[event.stream_id].body += event.data or b""
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                await self.flush()
            elif isinstance(event, StreamEnded):
                assert event.stream_id is not None
                return self._open.pop(event.stream_id)

    async def reply(
        self, stream: Stream, *pieces: bytes, ends: bool = True, status: str = "200"
    ) -> None:
        self.state.send_headers(stream.number, [(":status", status), ("x-request-id", "7")])
        await self.go_on(stream, *pieces, ends=ends)

    async def go_on(self, stream: Stream, *pieces: bytes, ends: bool = True) -> None:
        for piece in pieces:
            for start in range(0, len(piece), FRAME):
                self.state.send_data(stream.number, piece[start : start + FRAME])
                await self.flush()
        if ends:
            self.state.end_stream(stream.number)
        await self.flush()

    async def end(self, last: int) -> None:
        """Say that the connection ends, and that nothing after this stream was taken."""
        self.state.close_connection(last_stream_id=last)
        await self.flush()

    async def leave(self, last: int, error: int = 0) -> None:
        """Say that requests up to this stream are still answered, and go on with those."""
        frame = GoAwayFrame(last_stream_id=last, error_code=error)
        await self.peer.send(frame.serialize())

    async def flush(self) -> None:
        if data := self.state.data_to_send():
            await self.peer.send(data)


def over_http2(script: Callable[[Http2Peer], Awaitable[None]]) -> Script:
    """Begin each connection before its script."""

    async def begun(peer: Peer) -> None:
        http2 = Http2Peer(peer)
        await http2.begin()
        await script(http2)

    return begun


async def echoes(http2: Http2Peer) -> None:
    """Send each body back."""
    while True:
        stream = await http2.request()
        await http2.reply(stream, stream.body)
