"""The soak's upstream: what it does with a request is written in the request's text.

    python -m bench.scripted PORT

The text begins with a marker, `#NUMBER:SCRIPT:WORDS:DELAY_MS#`. A good script answers with the
number and so many words; the others are in scripted_faults.py. GET /stats tells how many requests
are under way.
"""

import asyncio
import contextlib
import json
import re
import sys
from dataclasses import dataclass

import uvloop

from bench.scripted_faults import FAULTS
from bench.scripted_peer import Asked, Peer
from bench.scripted_replies import WORD, events, whole
from gateway.shapes import Shape

_MARKER = re.compile(rb"#(\d+):(\w+):(\d+):(\d+)#")
_STREAMED = re.compile(rb'"stream": ?true')
_READ_FIRST = 4096
_WORDS_PER_EVENT = 4
_EVENTS_PER_WRITE = 50

_NOT_COMPLETIONS = (
    "This is a chat model and not supported in the v1/completions endpoint. "
    "Did you mean to use v1/chat/completions?"
)


@dataclass(slots=True)
class _Counts:
    connections: int = 0
    under_way: int = 0
    begun: int = 0


class _Source:
    def __init__(self) -> None:
        self._counts = _Counts()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._counts.connections += 1
        peer = Peer(reader, writer)
        try:
            # A client that goes is what half of this is about.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while not peer.closing:
                    await self._one(peer)
        finally:
            self._counts.connections -= 1
            writer.close()

    async def _one(self, peer: Peer) -> None:
        method, target = await peer.head()
        if target == "/stats":
            stats = {"under_way": self._counts.under_way, "begun": self._counts.begun}
            await peer.json(200, json.dumps(stats).encode())
            return
        self._counts.under_way += 1
        self._counts.begun += 1
        try:
            if method == "GET":
                await self._get(peer, target)
            else:
                await self._post(peer, target)
        finally:
            self._counts.under_way -= 1

    async def _get(self, peer: Peer, target: str) -> None:
        if target.endswith("/models"):
            await peer.json(200, b'{"object":"list","data":[]}')
        else:
            await peer.error(404, f"There is nothing at {target}.", "not_found")

    async def _post(self, peer: Peer, target: str) -> None:
        body = await peer.body(_READ_FIRST)
        marker = _MARKER.search(body)
        if marker is None or not marker[2].startswith(b"early_"):
            body += await peer.body()
            marker = marker or _MARKER.search(body)
        if marker is None:
            await peer.error(400, "There is no marker in this request.", "no_marker")
            return
        path = target.partition("?")[0].removeprefix("/v1")
        shape = next((each for each in Shape if each.endpoint == f"/v1{path}"), None)
        if shape is Shape.COMPLETIONS and b'"model":"new-' in body:
            await peer.error(404, _NOT_COMPLETIONS, None, param="model")
            return
        number, script = marker[1].decode(), marker[2].decode()
        asked = Asked(shape or Shape.CHAT, _STREAMED.search(body) is not None, number)
        if script in FAULTS:
            await FAULTS[script](peer, asked)
        elif shape is None:
            await peer.json(200, json.dumps({"object": "list", "id": f"file-{number}"}).encode())
        else:
            await _answer(peer, asked, int(marker[3]), int(marker[4]) / 1000, script == "okclose")


async def _answer(peer: Peer, asked: Asked, words: int, delay: float, close: bool) -> None:
    """Answer as a model does: after a while, with a pause in the midst of a stream."""
    await peer.pause(delay)
    if not asked.streamed:
        await peer.json(200, whole(asked.shape, f"{asked.number} {WORD * words}"), close=close)
        return
    full, rest = divmod(words, _WORDS_PER_EVENT)
    pieces = [f"{asked.number} ", *[WORD * _WORDS_PER_EVENT] * full, WORD * rest]
    told, end = events(asked.shape, pieces)
    await peer.begin_stream(close=close)
    for at in range(0, len(told), _EVENTS_PER_WRITE):
        await peer.chunks(told[at : at + _EVENTS_PER_WRITE])
        if at == 0:
            await peer.pause(delay)
    await peer.chunks([end])
    await peer.end_stream(close=close)


async def main(port: int) -> None:
    source = _Source()
    server = await asyncio.start_server(
        source.serve, "127.0.0.1", port, limit=1 << 22, backlog=1024
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
