"""A forward proxy that leads every tunnel to one server."""

import asyncio
from contextlib import suppress

from tests.upstream.scripted import Peer, Request, Script, ScriptedUpstream


def tunnels_to(origin: ScriptedUpstream, asked: list[Request]) -> Script:
    """Return the proxy's script; it keeps what it is asked for."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def proxy(peer: Peer) -> None:
        asked.append(await peer.head())
        reader, writer = await asyncio.open_connection(origin.host, origin.port)
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(copy(peer.reader, writer), copy(reader, peer.writer))

    return proxy
