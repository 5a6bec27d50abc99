"""The door behind a real nginx, as people put it: upstream keepalive, and the usual Upgrade map.

nginx shares its connections to the gateway between users, so a request that is read in two ways
here answers one user with what another has asked.
"""

import grp
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.sync.client import connect as open_socket

from gateway.config.settings import ServerSettings
from tests.addresses import held_port
from tests.clients.raw import chunk
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    FILES,
    KILOBYTE,
    MEGABYTE,
    MULTIPART,
    Door,
    chat,
    connect,
    door,
    prompt,
    raw,
    sized,
    until,
    upload,
)
from tests.door.sockets import Frames, echoing
from tests.door.test_upgrade import HANDSHAKE, JDK_17, SMUGGLED, UPGRADES
from tests.door.upstream import STREAM_END, STREAM_HEAD, falls_silent_after, replies, text_event
from tests.rows import module_fixture
from tests.server.websocket.peer import frame, handshake
from tests.waiting import PATIENCE, wait_until

# Debian keeps servers in /usr/sbin, which is not on everybody's path.
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIGURATION = Template(
    """
daemon off;
$user
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/nginx.log error;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  client_max_body_size 100m;
  map $$http_upgrade $$connection_upgrade { default upgrade; '' ''; }
  upstream gateway { server 127.0.0.1:$gateway_port; keepalive 1; }
  server {
    listen 127.0.0.1:$port;
    underscores_in_headers on;
    location / {
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_set_header Host $$host;
      proxy_set_header Upgrade $$http_upgrade;
      proxy_set_header Connection $$connection_upgrade;
      proxy_buffering off;
      proxy_request_buffering $request_buffering;
    }
  }
}
"""
)


@contextmanager
def nginx(gateway: str, folder: Path, *, request_buffering: bool = True) -> Iterator[str]:
    """Run nginx before a gateway, given its URL, until the block ends; yield its base URL."""
    port = held_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.substitute(
            folder=folder,
            # Else root's workers are nobody's, who may not write here.
            user=f"user root {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else "",
            port=port,
            gateway_port=gateway.split(":")[2].partition("/")[0],
            request_buffering="on" if request_buffering else "off",
        )
    )
    assert NGINX is not None
    base_url = f"http://127.0.0.1:{port}/v1"
    output = folder / "nginx.out"
    with (
        output.open("wb") as written,
        subprocess.Popen(
            [NGINX, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "nginx.log")],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            until(lambda: listens(base_url) or process.poll() is not None)
            assert process.poll() is None, output.read_text()
            yield base_url
        finally:
            process.terminate()
            process.wait(PATIENCE)


def listens(base_url: str) -> bool:
    try:
        with connect(base_url):
            return True
    except ConnectionError:
        return False


@module_fixture
def gateway() -> Iterator[Door]:
    with door(ServerSettings(max_body_bytes=4 * MEGABYTE)) as both:
        yield both


@pytest.fixture
def running(gateway: Door) -> Iterator[Door]:
    yield gateway
    gateway.upstream.hang_up()


@pytest.fixture(scope="module", params=[True, False], ids=["buffering", "unbuffered"])
def front(
    gateway: Door, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("nginx")
    with nginx(gateway.base_url, folder, request_buffering=request.param) as base_url:
        yield base_url


def user(name: str, line: str, *fields: str, body: bytes = b"") -> bytes:
    """Return a request of a user's, whose key says who it is."""
    request = raw(line, *fields, f"Content-Length: {len(body)}", body=body)
    return request.replace(b"sk-test", b"sk-" + name.encode())


def expect_own(front: str, running: Door, number: int = 3) -> None:
    """Expect that each of some users gets the reply to the own request, and nothing else runs."""
    before = len(running.upstream.requests)
    for name in [f"user{at}" for at in range(number)]:
        with connect(front) as client:
            client.send(user(name, f"GET /v1/files/of-{name} HTTP/1.1"))
            reply = client.reply()
            text = reply.body.decode()
            assert (reply.status, f"/v1/files/of-{name} for sk-{name}" in text) == (200, True), text
    assert not any("SMUGGLED" in seen.line for seen in running.upstream.since(before))


PADDINGS = [0, 1, 40, 70, 150, 250, 290, 300]


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("name", ["h2c of a JDK", "websocket", "foo"])
def test_no_user_gets_what_another_has_smuggled(
    front: str, running: Door, name: str, padding: int, path: str
) -> None:
    smuggled = SMUGGLED.replace(b"sk-stolen", b"sk-attacker")
    body = b"\r\n" * (padding * KILOBYTE // 2) + smuggled
    with connect(front) as attacker:
        attacker.send(user("attacker", f"POST {path} HTTP/1.1", *UPGRADES[name], body=body))
        # An upgrade that is refused is a reply as well; what matters is whose the next ones are.
        assert attacker.reply_head()[0] >= 200
        expect_own(front, running)


def test_no_user_gets_what_another_has_smuggled_while_all_are_at_work(
    front: str, running: Door
) -> None:
    stop = threading.Event()
    body = b"\r\n" * (295 * KILOBYTE // 2) + SMUGGLED

    def attack() -> None:
        while not stop.is_set():
            with suppress(OSError), connect(front) as attacker:
                line = f"POST {CHAT} HTTP/1.1"
                attacker.send(user("attacker", line, *UPGRADES["foo"], body=body))
                attacker.reply_head()

    attacking = threading.Thread(target=attack, daemon=True)
    attacking.start()
    try:
        expect_own(front, running, 40)
    finally:
        stop.set()
        attacking.join(PATIENCE)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("size", [200, 100 * KILOBYTE, 3 * MEGABYTE])
def test_a_jdks_post_is_served(front: str, running: Door, size: int, *, chunked: bool) -> None:
    before, body = len(running.upstream.requests), sized(size)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    with connect(front) as client:
        client.send(raw(f"POST {CHAT} HTTP/1.1", *JDK_17, framing))
        client.send(chunk(body) + chunk(b"") if chunked else body)
        reply = client.reply()
    assert reply.status == 200, reply.body
    (seen,) = running.upstream.since(before)
    assert seen.body == body
    expect_own(front, running)


@pytest.mark.parametrize("path", [CHAT, "/v1/files", "/nowhere"])
def test_a_websocket_is_declined(front: str, running: Door, path: str) -> None:
    before = len(running.upstream.requests)
    with connect(front) as client:
        client.send(raw(f"GET {path} HTTP/1.1", *HANDSHAKE))
        reply = client.reply()
    assert (reply.status, reply.error["type"]) == (426, "invalid_request_error")
    assert running.upstream.since(before) == []
    expect_own(front, running)


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS], ids=["untouched", "translated"])
def test_a_stream_comes_as_it_is_made(front: str, running: Door, path: str) -> None:
    running.upstream.then(replies(STREAM_HEAD + text_event("Hi") + STREAM_END))
    body = chat(stream=True) if path == CHAT else prompt(stream=True)
    with connect(front) as client:
        client.request("POST", path, body)
        reply = client.reply()
    assert (reply.status, reply.complete) == (200, True)
    assert reply.body.endswith(b"data: [DONE]\n\n")
    expect_own(front, running)


def test_an_upload_arrives(front: str, running: Door) -> None:
    before, form = len(running.upstream.requests), upload(5 * MEGABYTE)
    with connect(front) as client:
        client.send(client.head("POST", FILES, len(form), content_type=MULTIPART) + form)
        assert client.reply().status == 200
    (seen,) = running.upstream.since(before)
    assert seen.body == form


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (CHAT, (), 413),
        (CHAT, ("Content-Encoding: gzip",), 415),
        ("/nowhere", (), 404),
        (CHAT, ("x_api_key: a",), 400),
    ],
)
def test_an_early_reply_arrives(
    front: str, running: Door, path: str, fields: tuple[str, ...], status: int
) -> None:
    size = 12 * MEGABYTE
    with connect(front) as client:
        client.send(raw(f"POST {path} HTTP/1.1", *fields, f"Content-Length: {size}"))
        with suppress(ConnectionError):
            client.send(b"x" * size)
        reply = client.reply()
    assert (reply.status, bool(reply.error["message"])) == (status, True)
    expect_own(front, running)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("size", [200, 300 * KILOBYTE, 2 * MEGABYTE])
def test_a_client_that_leaves_is_missed(
    front: str, running: Door, size: int, *, reset: bool
) -> None:
    before = len(running.upstream.requests)
    running.upstream.then(falls_silent_after(STREAM_HEAD + text_event("Hi")))
    with connect(front) as client:
        client.request("POST", CHAT, sized(size, stream=True))
        assert client.reply_head()[0] == 200
        if reset:
            client.reset_at_the_end()
    assert running.upstream.wait_for(before + 1).left.wait(PATIENCE)
    expect_own(front, running)


def test_a_field_with_an_underscore_is_dropped(front: str, running: Door) -> None:
    before = len(running.upstream.requests)
    with connect(front) as client:
        client.request("POST", CHAT, chat())
        client.send(user("agent", f"POST {CHAT} HTTP/1.1", "session_id: SESSION", body=chat()))
        assert [client.reply().status, client.reply().status] == [200, 200]
    assert "SESSION" not in str([seen.fields for seen in running.upstream.since(before)])


def test_sockets_pass_both_ways_and_end_in_order(tmp_path: Path) -> None:
    with echoing() as own, nginx(own.base_url, tmp_path) as front:
        address = front.replace("http://", "ws://") + "/responses"
        with open_socket(address, max_size=None) as client:
            for text in ("Hi", "x" * MEGABYTE):
                client.send(text)
                assert client.recv() == text
        wait_until(lambda: own.sessions.opened[-1].freed == 1)
        assert own.sessions.opened[-1].ends == [(1000, "")]
        with connect(front) as raw_client:
            frames = Frames(raw_client)
            assert frames.open(frame("early")) == 101
            assert frames.next() == (Opcode.TEXT, b"early")
            raw_client.reset_at_the_end()
        wait_until(lambda: own.sessions.opened[-1].freed == 1)
        with open_socket(address) as client:
            wait_until(lambda: len(own.sessions.opened) == 3)
            own.end()
            with pytest.raises(ConnectionClosed):
                client.recv()
            assert client.close_code == 1012


def test_a_refused_socket_leaves_the_connection_to_other_users(tmp_path: Path) -> None:
    with echoing() as own, nginx(own.base_url, tmp_path) as front:
        for origin, status in (("https://evil.example", 403), ("http://gateway.test", 101)):
            with connect(front) as client:
                client.send(handshake("/v1/responses", f"Origin: {origin}"))
                assert client.reply_head()[0] == status
        with connect(front) as client:
            client.send(raw("GET /v1/api/hello HTTP/1.1"))
            assert client.reply().status == 200
