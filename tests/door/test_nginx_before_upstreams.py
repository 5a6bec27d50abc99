"""An nginx before an upstream that asks for client certificates: it refuses one by a reply."""

import grp
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import httpx2
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import CredentialPolicy, Settings, TlsSettings, UpstreamSettings
from tests import kinds
from tests.addresses import held_port
from tests.certificates import make_pair
from tests.clients.running import running_gateway
from tests.door.test_behind_nginx import NGINX
from tests.upstream.mutual import Authority, authority_in
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIGURATION = Template(
    """
daemon off;
$user
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/nginx.log error;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $certificate;
    ssl_certificate_key $key;
    ssl_client_certificate $clients;
    ssl_verify_client on;
    default_type application/json;
    location / { return 200 '{"object": "list", "data": []}'; }
  }
}
"""
)


@contextmanager
def asking_nginx(authority: Authority, folder: Path) -> Iterator[str]:
    """Run it until the block ends; yield its base URL."""
    port = held_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.substitute(
            folder=folder,
            user=f"user root {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else "",
            port=port,
            certificate=authority.server.certificate,
            key=authority.server.key,
            clients=authority.clients.certificate,
        )
    )
    assert NGINX is not None
    command = [NGINX, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "nginx.log")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: listens(port))
            yield f"https://localhost:{port}/v1"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port)):
            return True
    except ConnectionError:
        return False


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def asking(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with asking_nginx(authority, tmp_path_factory.mktemp("nginx")) as base_url:
        yield base_url


def replies(base_url: str, authority: Authority, tls: TlsSettings | None) -> dict[str, Any]:
    """Return the reply to each kind of request."""
    upstream = UpstreamSettings(
        *("openai", base_url, kinds.OPENAI),
        credential=CredentialPolicy.NONE,
        verify=str(authority.server.certificate),
        tls=tls,
    )
    messages = [{"role": "user", "content": "Hi"}]
    asked = {"model": "gpt-4o-mini", "messages": messages, "max_tokens": 9}
    bodies = {"chat/completions": asked, "messages": asked, "files": None, "models": None}
    with (
        running_gateway(Settings((upstream,), admin=AdminSettings(port=0))) as gateway,
        httpx2.Client(trust_env=False, timeout=PATIENCE) as client,
    ):
        return {
            path: client.request(
                "GET" if body is None else "POST", f"{gateway.base_url}/{path}", json=body
            )
            for path, body in bodies.items()
        }


@pytest.mark.parametrize("shown", ["nothing", "of another authority", "expired"])
def test_a_refusal_by_a_reply_is_not_a_fault_of_the_clients(
    asking: str, authority: Authority, tmp_path: Path, shown: str
) -> None:
    tls = None
    if shown == "expired":
        tls = authority.issued("expired", valid=(-9, -1)).settings
    elif shown == "of another authority":
        tls = make_pair(tmp_path, "other", issuer=make_pair(tmp_path, "others")).settings
    for path, reply in replies(asking, authority, tls).items():
        assert reply.status_code == 502, path
        error = reply.json()["error"]
        assert "no client certificate that it accepts; check its tls.cert" in error["message"]
        assert error.get("code") == (None if path == "messages" else "upstream_unavailable")


def test_a_certificate_that_it_accepts_is_shown(asking: str, authority: Authority) -> None:
    found = replies(asking, authority, authority.issued("good").settings)
    assert found["files"].json() == {"object": "list", "data": []}
    assert found["models"].status_code == 200
