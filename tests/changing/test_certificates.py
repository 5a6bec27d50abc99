"""A renewed certificate is served after a reload; connections that are open keep theirs."""

import socket
import ssl
from pathlib import Path

import pytest

from tests.certificates import Pair, make_pair
from tests.changing.gateway import Gateway, configuration, running, write
from tests.waiting import wait_until


def served(gateway: Gateway) -> str:
    return ssl.get_server_certificate(("127.0.0.1", gateway.port))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_new_certificate_is_served_after_a_reload(tmp_path: Path, workers: int) -> None:
    old, new = make_pair(tmp_path, "old"), make_pair(tmp_path, "new")
    files = tmp_path / "c.pem", tmp_path / "k.pem"

    def install(pair: Pair) -> None:
        for file, source in zip(files, (pair.certificate, pair.key), strict=True):
            file.write_bytes(source.read_bytes())

    install(old)
    tls = "port: 0, tls: {certificate: c.pem, key: k.pem}"
    write(tmp_path, configuration("http://127.0.0.1:9/v1", tls))
    with running(tmp_path, workers) as gateway:
        assert served(gateway) == old.certificate.read_text()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", gateway.port)) as raw,
            context.wrap_socket(raw) as kept,
        ):
            files[1].write_bytes(new.key.read_bytes())
            assert "server.tls: the key does not belong" in gateway.reload().json()["message"]
            assert served(gateway) == old.certificate.read_text()
            install(new)
            assert gateway.reload().json()["reloaded"]
            wait_until(lambda: served(gateway) == new.certificate.read_text())
            kept.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert kept.recv(12) == b"HTTP/1.1 200"
