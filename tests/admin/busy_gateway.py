"""A gateway that has served all kinds of requests: what the page can show."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    Settings,
    UpstreamSettings,
)
from gateway.demo import emulator
from gateway.shapes import Shape
from tests import kinds
from tests.clients.running import RunningGateway, running_gateway

TEAMS = ("checkout", "search", "data-science")
UPSTREAM_KEY = "sk-of-the-upstream"


def settings_of(upstream: str, token: str | None = None) -> Settings:
    """Return settings with two upstreams, of which the second is down, and three clients."""
    openai = UpstreamSettings(
        "openai",
        upstream,
        kinds.OPENAI,
        credential=CredentialPolicy.KEY,
        api_key=Secret(UPSTREAM_KEY),
    )
    local = UpstreamSettings(
        "local", "http://127.0.0.1:9/v1", kinds.VLLM, credential=CredentialPolicy.NONE
    )
    clients = tuple(
        ClientSettings(team, (hashlib.sha256(f"key-{team}".encode()).hexdigest(),))
        for team in TEAMS
    )
    admin = AdminSettings(token=Secret(token) if token else None)
    rules = (
        ModelRule("llama-*", upstream="local"),
        # It lives at the other endpoint, which the gateway learns.
        ModelRule("davinci-002", endpoints=(Shape.CHAT,)),
    )
    return Settings((openai, local), models=rules, clients=clients, admin=admin)


def ask(gateway: RunningGateway, team: str, path: str, **body: Any) -> int:
    """Send a request; return the status."""
    headers = {"authorization": f"Bearer key-{team}"}
    url = f"{gateway.base_url}/{path}"
    return httpx2.post(url, json=body, headers=headers, trust_env=False).status_code


def chat(gateway: RunningGateway, team: str, model: str, **more: Any) -> int:
    """Send a chat request; return the status."""
    messages = [{"role": "user", "content": "Say hello."}]
    return ask(gateway, team, "chat/completions", model=model, messages=messages, **more)


def send_traffic(gateway: RunningGateway) -> None:
    """Send requests that succeed, are translated, are learned from, and fail."""
    chat(gateway, "search", "gpt-4o-mini")
    chat(gateway, "checkout", "gpt-3.5-turbo-instruct", presence_penalty=0.5)
    ask(gateway, "data-science", "completions", model="gpt-4o", prompt="Say", suffix="please")
    ask(gateway, "checkout", "completions", model="gpt-4o-mini", prompt=["Say", "hello"])
    chat(gateway, "data-science", "acme-writer-v2")
    ask(gateway, "search", "responses", model="gpt-4o-mini", input="Say hello.")
    chat(gateway, "search", "llama-3.3-70b")
    chat(gateway, "data-science", "gpt-4o-minni")
    chat(gateway, "checkout", "davinci-002")
    chat(gateway, "nobody", "gpt-4o-mini")
    ask(gateway, "checkout", "completions", model="acme-support-v7", prompt="Say hello.")
    chat(gateway, "checkout", "gpt-4o-mini", stream=True)
    ask(gateway, "data-science", "responses", model="gpt-3.5-turbo-instruct", input="Say hello.")


@contextmanager
def busy_gateway(token: str | None = None) -> Iterator[RunningGateway]:
    """Run it, after that traffic, until the block ends."""
    with (
        emulator.serve() as upstream,
        running_gateway(settings_of(upstream.base_url, token)) as gateway,
    ):
        send_traffic(gateway)
        yield gateway
