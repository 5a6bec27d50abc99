"""A server that asks for client certificates, and tells in an alert why it refuses one.

asyncio's servers close the connection without the alert; others send it.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from tests.certificates import Pair, make_pair
from tests.upstream.scripted import with_length
from tests.waiting import PATIENCE

REPLY = with_length(b"fine")


@dataclass
class Authority:
    """What a server trusts, and certificates for its clients."""

    server: Pair
    clients: Pair
    folder: Path

    def issued(self, name: str, valid: tuple[int, int] = (-1, 2)) -> Pair:
        return make_pair(self.folder, name, issuer=self.clients, valid=valid)

    def context(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate, self.server.key)
        context.load_verify_locations(self.clients.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = version
        return context


def authority_in(folder: Path) -> Authority:
    return Authority(make_pair(folder, "localhost"), make_pair(folder, "clients"), folder)


class MutualServer:
    """Answers each request on each connection; `names` are those of the clients, one for each."""

    def __init__(self, context: ssl.SSLContext, listening: socket.socket) -> None:
        self._context = context
        self._listening = listening
        self.port = listening.getsockname()[1]
        self.base_url = f"https://localhost:{self.port}/v1"
        self.names: list[str] = []
        self.refused = 0

    def serve(self) -> None:
        """Serve one connection after the other, until the listener is closed."""
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            accepted.settimeout(PATIENCE)
            secured = self._context.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False
            )
            with closing(secured), suppress(OSError):
                self._serve(secured)

    def _serve(self, secured: ssl.SSLSocket) -> None:
        try:
            secured.do_handshake()
        except ssl.SSLError:
            self.refused += 1
            with closing(socket.socket(fileno=secured.detach())) as plain:
                plain.settimeout(PATIENCE)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):  # a reset could overtake the alert
                    pass
            return
        shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        self.names.append(shown.subject.rfc4514_string().removeprefix("CN="))
        while secured.recv(65536):
            secured.sendall(REPLY)


@contextmanager
def mutual_server(context: ssl.SSLContext) -> Iterator[MutualServer]:
    with socket.create_server(("localhost", 0)) as listening:
        server = MutualServer(context, listening)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


@asynccontextmanager
async def silent_server(context: ssl.SSLContext) -> AsyncIterator[str]:
    """Run a server that closes without the alert, and yield its base URL."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(REPLY)
        writer.close()

    async with await asyncio.start_server(answer, "localhost", 0, ssl=context) as server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/v1"
