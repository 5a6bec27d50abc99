"""The upstream of the look-up bench: a long list of models with long, similar names.

    python -m bench.lookups_upstream PORT COUNT

It serves the first of them and denies all that is not on its list.
"""

import asyncio
import contextlib
import json
import sys

import uvloop

from bench.scripted_peer import Peer
from bench.scripted_replies import whole
from gateway.shapes import Shape

FORM = (
    "ft:gpt-4o-mini-2024-07-18:acme-corporation-of-somewhere:"
    "customer-support-bot-of-the-first-{0:05d}:A{0:05d}bC"
)
"""The names: 105 characters, alike but for a number that they bear twice."""


class _Source:
    def __init__(self, count: int) -> None:
        cards = [
            {"id": FORM.format(n), "object": "model", "created": 1_700_000_000, "owned_by": "vllm"}
            for n in range(count)
        ]
        self._list = json.dumps({"object": "list", "data": cards}).encode()
        self._served = json.dumps(FORM.format(0)).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while not peer.closing:
                    await self._one(peer)
        finally:
            writer.close()

    async def _one(self, peer: Peer) -> None:
        method, target = await peer.head()
        body = await peer.body()
        if method == "GET" and target.endswith("/models"):
            await peer.json(200, self._list)
        elif method == "POST" and self._served in body:
            await peer.json(200, whole(Shape.CHAT, "Hi"))
        else:
            message = "The model does not exist or you do not have access to it."
            await peer.error(404, message, "model_not_found")


async def main(port: int, count: int) -> None:
    source = _Source(count)
    server = await asyncio.start_server(source.serve, "127.0.0.1", port, limit=1 << 22)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
