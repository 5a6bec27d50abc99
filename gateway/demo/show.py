"""`gateway demo`: the same call against an upstream, where it fails, and through the gateway."""

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from shutil import which
from typing import Any

import httpcore2
from click import echo, style

from gateway import app, servers
from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import Settings, UpstreamSettings
from gateway.demo import emulator, socket_scene
from gateway.server.processes.signals import take_signals
from gateway.server.serving import BACKLOG, Listener, bind, serve

KEY = "sk-demo"
_ADDRESS = ("127.0.0.1", 0)
_PATIENCE = 30.0
"""Seconds that each step of a call may take."""
Print = Callable[[str], None]
"""Prints a line, which may have ANSI colours."""

_SHOWN_HEADERS = ("x-gateway-endpoint", "x-gateway-resolved-by", "x-gateway-translation")


@dataclass(frozen=True, slots=True)
class Scene:
    """One call of the demonstration."""

    title: str
    path: str
    body: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """The headers that clients of this endpoint send."""
        if self.path == "/messages":
            return {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
        return {"authorization": f"Bearer {KEY}"}


_FINE_TUNE = "ft:gpt-3.5-turbo-0613:acme:bot:8abc1234"
_HELLO = [{"role": "user", "content": "Say hello"}]

SCENES = (
    Scene(
        "A fine-tuned chat model, called by an app from 2021 at /v1/completions",
        "/completions",
        {"model": _FINE_TUNE, "prompt": "Say hello", "max_tokens": 20},
    ),
    Scene(
        "A chat model, called with a list of prompts",
        "/completions",
        {"model": "gpt-4o-mini", "prompt": ["one", "two"], "max_tokens": 20},
    ),
    Scene(
        "A base model, called by a chat app",
        "/chat/completions",
        {"model": "davinci-002", "messages": _HELLO},
    ),
    Scene(
        "A responses-only model, called by a chat app",
        "/chat/completions",
        {"model": "o1-pro", "messages": _HELLO},
    ),
    Scene(
        "A chat-only model, called by an agent that speaks the Responses API",
        "/responses",
        {"model": "gpt-3.5-turbo", "instructions": "Be brief.", "input": "Say hello"},
    ),
    Scene(
        "A chat-only model, called as Claude Code does it",
        "/messages",
        {"model": "gpt-3.5-turbo", "max_tokens": 200, "system": "Be brief.", "messages": _HELLO},
    ),
    Scene(
        "A responses-only model, called as Claude Code does it",
        "/messages",
        {"model": "gpt-5-codex", "max_tokens": 200, "messages": _HELLO},
    ),
    Scene(
        "A model of Anthropic's API, called by a chat app",
        "/chat/completions",
        {"model": "claude-demo-opus-5", "messages": _HELLO},
    ),
    Scene(
        "An id that says nothing: the record of its fine-tuning job does",
        "/chat/completions",
        {"model": "acme-writer-v2", "messages": _HELLO},
    ),
    Scene(
        "Streamed",
        "/completions",
        {"model": _FINE_TUNE, "prompt": "Hi", "max_tokens": 20, "stream": True},
    ),
)


class PortTaken(Exception):
    """A requested port is not available; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the two servers; None where not specified, 0 for any free port."""

    gateway: int | None = None
    emulator: int | None = None


DEFAULT_PORTS = Ports(8080, 8081)


async def show(*, once: bool, ports: Ports, write: Print = echo) -> int:
    """Run the demonstration; return the exit code: 0 if every scene went as expected.

    With `once` it ends after the scenes; else it keeps both servers running. Ctrl-C ends it at any
    time. Ports that `ports` does not specify are any free ones with `once`; else `DEFAULT_PORTS`,
    or any free ones if those are taken. Raises `PortTaken` if a port of `ports` is.
    """
    stop = asyncio.Event()
    take_signals(stop.set, lambda: None)
    defaults = Ports(0, 0) if once else DEFAULT_PORTS
    with (
        _listening(ports.gateway, defaults.gateway, "--port") as own,
        _listening(ports.emulator, defaults.emulator, "--emulator-port") as theirs,
    ):
        gateway_url, upstream_url = _url(own), _url(theirs)
        application = app.build(_settings(upstream_url))
        gateway = application.gateway
        serving = asyncio.create_task(
            serve(
                [Listener(gateway, *_ADDRESS), Listener(emulator.build(), *_ADDRESS, sockets=True)],
                grace_period=lambda: 1,
                on_drain=gateway.drain,
                stop=stop,
                already_bound=(own, theirs),
            )
        )
        try:
            write(f"the gateway at {gateway_url}, the upstream at {upstream_url}")
            playing = asyncio.create_task(_play(write, upstream_url, gateway_url))
            succeeded = await _unless_stopped(playing, stop)
            if not (once or stop.is_set()):
                _invite(write, upstream_url, gateway_url)
                await asyncio.wait({serving})
        finally:
            stop.set()
            await serving
            await application.aclose()
    return 0 if succeeded else 1


def _listening(requested: int | None, default: int | None, option: str) -> socket.socket:
    """Return a listening socket; raises `PortTaken` if the requested port is taken."""
    host, any_free = _ADDRESS
    for port in (default or any_free, any_free) if requested is None else (requested,):
        try:
            listening = bind(host, port)
        except OSError as error:
            why = error
        else:
            # At once, so that later requests for the same port fail.
            listening.listen(BACKLOG)
            return listening
    raise PortTaken(f"{why.strerror}. Choose another port with {option}.")


def _url(listening: socket.socket) -> str:
    return f"http://{_ADDRESS[0]}:{listening.getsockname()[1]}/v1"


def _settings(upstream_url: str) -> Settings:
    upstreams = [
        UpstreamSettings(kind, upstream_url, servers.profile(kind))
        for kind in ("openai", "anthropic")
    ]
    return Settings(tuple(upstreams), admin=AdminSettings(enabled=False))


async def _unless_stopped(playing: asyncio.Task[bool], stop: asyncio.Event) -> bool:
    """Return what the scenes return; False where they are interrupted."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        playing.cancel()
        await asyncio.wait({playing})
        return False
    stopping.cancel()
    return playing.result()


async def _play(write: Print, upstream_url: str, gateway_url: str) -> bool:
    succeeded = True
    async with httpcore2.AsyncConnectionPool() as client:
        for scene in SCENES:
            write("\n" + style(scene.title, bold=True))
            write(style(f"POST /v1{scene.path}  {json.dumps(scene.body)}", dim=True))
            direct = await _post(client, upstream_url, scene)
            write(f"  the upstream  {style(direct.status, fg='red')}  {_text(direct)}")
            through = await _post(client, gateway_url, scene)
            write(f"  the gateway   {style(through.status, fg='green')}  {_text(through)}")
            _write_headers(write, _fields(through))
            expected = direct.status >= 400 and through.status == 200
            succeeded = succeeded and expected
    return await _play_socket(write, upstream_url, gateway_url) and succeeded


async def _post(
    client: httpcore2.AsyncConnectionPool, base_url: str, scene: Scene
) -> httpcore2.Response:
    return await client.request(
        "POST",
        base_url + scene.path,
        headers=[("content-type", "application/json"), *scene.headers.items()],
        content=json.dumps(scene.body).encode(),
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), _PATIENCE)},
    )


def _fields(reply: httpcore2.Response) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in reply.headers}


async def _play_socket(write: Print, upstream_url: str, gateway_url: str) -> bool:
    write("\n" + style(socket_scene.TITLE, bold=True))
    for create in (socket_scene.FIRST, socket_scene.second("…")):
        shown = json.dumps(create, ensure_ascii=False)
        write(style(f"GET /v1{socket_scene.PATH}  {shown}", dim=True))
    direct = await socket_scene.play(upstream_url, KEY)
    write(f"  the upstream  {style(direct.status, fg='red')}  {direct.text}")
    through = await socket_scene.play(gateway_url, KEY)
    write(f"  the gateway   {style(through.status, fg='green')}  {through.text}")
    _write_headers(write, through.headers)
    return through.succeeded and not direct.succeeded


def _write_headers(write: Print, headers: Mapping[str, str]) -> None:
    for name in _SHOWN_HEADERS:
        if name in headers:
            write(" " * 16 + style(f"{name}: {headers[name]}", dim=True))


def _text(reply: httpcore2.Response) -> str:
    """Return a reply for display: its error, its texts, or an excerpt of its stream."""
    if _fields(reply)["content-type"].startswith("text/event-stream"):
        events = [line for line in reply.content.decode().splitlines() if line]
        return "\n                ".join([events[0], "…", *events[-2:]])
    body = json.loads(reply.content)
    if body.get("error"):
        message: str = body["error"]["message"]
        return message
    return " | ".join(json.dumps(text, ensure_ascii=False) for text in _texts(body))


def _texts(body: dict[str, Any]) -> list[str]:
    """Return the texts of a whole reply in any of the four shapes."""
    if "content" in body:
        return [block["text"] for block in body["content"] if block["type"] == "text"]
    if "choices" in body:
        return [choice.get("text") or choice["message"]["content"] for choice in body["choices"]]
    messages = [item for item in body["output"] if item["type"] == "message"]
    return [part["text"] for message in messages for part in message["content"]]


def _invite(write: Print, upstream_url: str, gateway_url: str) -> None:
    command = "gateway" if which("gateway") else sys.argv[0]  # as `make demo` runs it
    write(
        f"""
{style("Both are running: now you.", bold=True)} (Ctrl-C ends them.)

  curl {gateway_url}/completions -H 'Authorization: Bearer {KEY}' \\
       -H 'Content-Type: application/json' \\
       -d '{{"model": "gpt-4o-mini", "prompt": "Once upon a time", "max_tokens": 20}}'

  ANTHROPIC_BASE_URL={gateway_url.removesuffix("/v1")} ANTHROPIC_AUTH_TOKEN={KEY} \\
      claude --model gpt-3.5-turbo

  CODEX_API_KEY={KEY} codex exec --skip-git-repo-check -m gpt-3.5-turbo \\
      -c openai_base_url='"{gateway_url}"' "Say hello"

  from openai import OpenAI
  client = OpenAI(base_url="{gateway_url}", api_key="{KEY}")
  client.chat.completions.create(
      model="davinci-002", messages=[{{"role": "user", "content": "Hello"}}]
  )

The upstream, an emulator of OpenAI and of Anthropic, is at {upstream_url}
This explains where a model goes:

  export OPENAI_API_KEY={KEY} GATEWAY_UPSTREAMS__OPENAI__BASE_URL={upstream_url}
  {command} resolve acme-writer-v2
"""
    )
