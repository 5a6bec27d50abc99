"""A renewed certificate is served after a reload; connections that are open keep theirs."""

import contextlib
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.certificates import Pair, make_pair
from tests.changing.gateway import TOKEN, Gateway, configuration, running, write
from tests.upstream.mutual import authority_in, mutual_server
from tests.waiting import wait_until

TLS = "port: 0, tls: {certificate: c.pem, key: k.pem}"


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
    write(tmp_path, configuration("http://127.0.0.1:9/v1", TLS))
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
            reloaded = gateway.reload().json()
            assert reloaded["reloaded"]
            assert reloaded["message"].endswith("changed: the certificate of server.tls")
            wait_until(lambda: served(gateway) == new.certificate.read_text())
            kept.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert kept.recv(12) == b"HTTP/1.1 200"


@pytest.mark.slow
def test_a_connection_whose_handshake_a_reload_overtakes_has_the_new_configuration(
    tmp_path: Path,
) -> None:
    pair = make_pair(tmp_path, "c")
    text = TLS.replace("c.pem", pair.certificate.name).replace("k.pem", pair.key.name)
    write(tmp_path, configuration("http://127.0.0.1:9/v1", text))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        running(tmp_path, 1) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as raw,
    ):
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(received, to_send)
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        raw.sendall(to_send.read())
        received.write(raw.recv(65536))  # the server's part: it has accepted the connection
        write(
            tmp_path, configuration("http://127.0.0.1:9/v1", f"{text}, allowed_hosts: [a.example]")
        )
        assert gateway.reload().json()["reloaded"]
        client.do_handshake()
        client.write(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        raw.sendall(to_send.read())
        replied = b""
        while not replied:
            received.write(raw.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):  # a session ticket
                replied = client.read(12)
        assert replied == b"HTTP/1.1 421"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_operators_have_tls_with_the_same_certificate(tmp_path: Path, workers: int) -> None:
    old, new = make_pair(tmp_path, "old"), make_pair(tmp_path, "new")

    def install(pair: Pair) -> None:
        for name, source in (("c.pem", pair.certificate), ("k.pem", pair.key)):
            (tmp_path / name).write_bytes(source.read_bytes())

    def client(pair: Pair) -> httpx2.Client:
        verified = ssl.create_default_context(cafile=str(pair.certificate))
        return httpx2.Client(
            verify=verified, trust_env=False, timeout=60, headers={"x-admin-token": TOKEN}
        )

    install(old)
    text = configuration("http://127.0.0.1:9/v1", TLS).replace("admin: {", "admin: {tls: true, ")
    write(tmp_path, text)
    with running(tmp_path, workers) as gateway:
        assert gateway.admin.startswith("https://127.0.0.1:")
        with client(old) as asking:
            assert "gateway_build_info" in asking.get(f"{gateway.admin}/metrics").text
            page = {"accept": "text/html"}
            entered = asking.get(f"{gateway.admin}/", params={"token": TOKEN}, headers=page)
            assert entered.status_code == 303
            assert "; Secure" in entered.headers["set-cookie"]
            with asking.stream("GET", f"{gateway.admin}/live") as live:
                first = next(live.iter_text())
            assert first.startswith("retry: ")
        plain = gateway.admin.replace("https://", "http://")
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{plain}/metrics", trust_env=False)
        install(new)
        with client(old) as asking:
            assert asking.post(f"{gateway.admin}/reload").json()["reloaded"]
        with client(new) as asking:
            wait_until(lambda: served_to_operators(gateway) == new.certificate.read_text())
            assert asking.get(f"{gateway.admin}/learned").json() == []


def served_to_operators(gateway: Gateway) -> str:
    return ssl.get_server_certificate(("127.0.0.1", urlsplit(gateway.admin).port or 0))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_upstream_is_shown_the_new_certificate_after_a_reload(
    tmp_path: Path, workers: int
) -> None:
    authority = authority_in(tmp_path)
    old, new = authority.issued("old"), authority.issued("new")
    expired = authority.issued("expired", valid=(-9, -1))

    def install(pair: Pair) -> None:
        (tmp_path / "c.pem").write_bytes(pair.certificate.read_bytes())
        (tmp_path / "k.pem").write_bytes(pair.key.read_bytes())

    def asked(gateway: Gateway) -> httpx2.Response:
        url = f"http://127.0.0.1:{gateway.port}/v1/files"
        return httpx2.get(url, trust_env=False, timeout=60)

    install(old)
    tls = f"verify: {authority.server.certificate.name}, tls: {{certificate: c.pem, key: k.pem}}"
    with mutual_server(authority.context()) as server:
        text = configuration(server.base_url).replace("kind: vllm", f"kind: vllm, {tls}")
        write(tmp_path, text)
        with running(tmp_path, workers) as gateway:
            assert asked(gateway).text == "fine"
            (tmp_path / "k.pem").write_bytes(new.key.read_bytes())
            said = gateway.reload().json()["message"]
            assert "gateway.yaml:3: upstreams.up.tls: the key does not belong" in said
            install(new)
            assert (
                gateway.reload()
                .json()["message"]
                .endswith("changed: the certificate of upstreams.up.tls")
            )
            wait_until(lambda: asked(gateway).text == "fine" and server.names[-1] == "new")
            install(expired)
            said = gateway.reload().json()["message"]
            assert "warning: upstreams.up.tls.certificate: expired on " in said
            wait_until(lambda: asked(gateway).status_code == 502)
            error = asked(gateway).json()["error"]
            assert error["code"] == "upstream_unavailable"
            assert "it accepts no client certificate that it was shown" in error["message"]
    assert set(server.names) == {"old", "new"}
