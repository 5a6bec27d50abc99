"""A gateway of its own process, in which something of everything has happened."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx2
import yaml

from gateway.demo import emulator
from tests.addresses import held_port
from tests.processes import GatewayProcess, gateway_process

TOKEN = "a-token-for-the-tests"
KEY = "gw-team-a"


@dataclass(frozen=True)
class Watched:
    """A running gateway with traffic behind it; `admin` is its admin listener's host and port."""

    process: GatewayProcess
    base_url: str
    admin: str
    config: Path

    def metrics(self) -> str:
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx2.get(f"http://{self.admin}/metrics", headers=headers).text

    def post(self, path: str, body: Mapping[str, object], key: str = KEY) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return httpx2.post(self.base_url + path, json=body, headers=headers).status_code


@contextmanager
def watched(folder: Path, **more: object) -> Iterator[Watched]:
    """Run it until the block ends: with replies, retries, refusals and failures counted.

    `more` are sections of its configuration.
    """
    ports = held_port(), held_port()
    config = folder / "gateway.yaml"
    with emulator.serve() as upstream:
        config.write_text(
            yaml.safe_dump({**_configuration(upstream.base_url, *ports), **more}, sort_keys=False)
        )
        with gateway_process("serve", "--config", str(config), folder=folder) as process:
            process.line_with("admin: ")
            here = [f"127.0.0.1:{port}" for port in ports]
            running = Watched(process, f"http://{here[0]}/v1", here[1], config)
            _bring_about(running)
            yield running


def _configuration(upstream: str, port: int, admin: int) -> dict[str, object]:
    return {
        "server": {"port": port},
        "upstreams": {
            "openai": {"base_url": upstream, "kind": "openai", "api_key": "sk-demo"},
            "down": {"base_url": f"http://127.0.0.1:{held_port()}/v1", "kind": "vllm"},
        },
        "models": {"gone": {"upstream": "down", "endpoint": "chat"}},
        "clients": [{"name": "team-a", "key_sha256": sha256(KEY.encode()).hexdigest()}],
        "admin": {"port": admin, "token": TOKEN},
    }


def _bring_about(running: Watched) -> None:
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]}
    is_refused_and_sent_again_without = {"frobnicate": 1}
    assert running.post("/chat/completions", chat) == 200
    assert running.post("/chat/completions", {**chat, **is_refused_and_sent_again_without}) == 200
    assert running.post("/completions", {"model": "gpt-4o-mini", "prompt": "Say hello"}) == 200
    assert running.post("/chat/completions", {**chat, "model": "gone"}) == 502
    assert running.post("/chat/completions", chat, key="unknown") == 401
