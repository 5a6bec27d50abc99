"""A gateway on a real socket, in a thread of its own, before the emulator or any other upstream."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateway import app
from gateway.app import Application
from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, TimeoutSettings, UpstreamSettings
from gateway.demo import emulator
from gateway.server.serving import Listener, serve
from tests import kinds
from tests.waiting import PATIENCE

CHAT_FINE_TUNE = "ft:gpt-3.5-turbo-0613:acme:bot:8abc1234"
BASE_FINE_TUNE = "ft:davinci-002:acme:bot:8def5678"
ALIASES = (
    ModelRule("my-bot", model="gpt-4o-mini"),
    ModelRule("text-davinci-003", model="davinci-002"),
)
CHAT_MODELS = ("gpt-4o-mini", "gpt-3.5-turbo", CHAT_FINE_TUNE, "acme-support-v7", "my-bot")
COMPLETIONS_MODELS = ("davinci-002", BASE_FINE_TUNE, "acme-writer-v2", "text-davinci-003")
"""Public models, fine-tunes, ids that say nothing, and an alias, with `ALIASES` as the rules."""


@dataclass(frozen=True)
class RunningGateway:
    """`base_url` ends in /v1; `admin_url` has no path.

    `application` lives in the event loop `loop`, which runs in another thread: its figures may be
    read from here, everything else must be called in there.
    """

    base_url: str
    admin_url: str
    application: Application
    loop: asyncio.AbstractEventLoop


@contextmanager
def running_gateway(
    settings: Settings, new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> Iterator[RunningGateway]:
    """Run a gateway on free ports until the block ends, in an event loop that `new_loop` makes."""
    started, ports = threading.Event(), list[int]()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    built: list[Application] = []
    failed: list[BaseException] = []

    async def run() -> None:
        application = app.build(settings)
        built.append(application)
        event = asyncio.Event()
        application.start()
        stop.append((asyncio.get_running_loop(), event))

        def announce(bound: list[int]) -> None:
            ports.extend(bound)
            started.set()

        try:
            await serve(
                [
                    Listener(application.gateway, "127.0.0.1", 0),
                    Listener(application.admin, "127.0.0.1", 0),
                ],
                grace_period=lambda: 1,
                on_drain=application.gateway.drain,
                on_started=announce,
                stop=event,
            )
        finally:
            await application.aclose()

    def main() -> None:
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(run())
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread below
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    started.wait(PATIENCE)
    try:
        if not failed:
            base_url, admin_url = (f"http://127.0.0.1:{port}" for port in ports)
            yield RunningGateway(f"{base_url}/v1", admin_url, built[0], stop[0][0])
    finally:
        if stop and not failed:
            loop, event = stop[0]
            loop.call_soon_threadsafe(event.set)
        thread.join(PATIENCE)
        if failed:
            raise failed[0]


@dataclass(frozen=True)
class Stage:
    """The emulator and a gateway before it."""

    upstream: emulator.Served
    gateway: RunningGateway

    @property
    def base_url(self) -> str:
        return self.gateway.base_url

    def upstream_paths(self) -> list[str]:
        """What reached the emulator, in order."""
        return [f"{record.method} {record.path}" for record in self.upstream.journal]


def openai_upstream(base_url: str, **more: Any) -> UpstreamSettings:
    return UpstreamSettings("openai", base_url, kinds.OPENAI, **more)


def anthropic_upstream(base_url: str, **more: Any) -> UpstreamSettings:
    return UpstreamSettings("anthropic", base_url, kinds.ANTHROPIC, **more)


@contextmanager
def stage(
    *rules: ModelRule,
    upstream: emulator.Emulator | None = None,
    with_anthropic: bool = False,
    relayed: bool = True,
    **more: object,
) -> Iterator[Stage]:
    """Set the stage: the emulator as OpenAI, the gateway with these rules.

    `with_anthropic`: the emulator is Anthropic, too. `relayed`: turns on sockets may go to its own.
    """
    patient = TimeoutSettings(metadata=PATIENCE)
    with emulator.serve(upstream) as served:
        websockets = "auto" if relayed else "never"
        upstreams = [openai_upstream(served.base_url, websockets=websockets, timeouts=patient)]
        if with_anthropic:
            upstreams.append(anthropic_upstream(served.base_url, timeouts=patient))
        settings = Settings(
            tuple(upstreams),
            models=rules,
            admin=AdminSettings(),
            **more,  # type: ignore[arg-type]
        )
        with running_gateway(settings) as gateway:
            yield Stage(served, gateway)
