"""One application after the other, at the same door."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

from gateway import app
from gateway.app import Application
from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ClientSettings, ServerSettings, Settings, UpstreamSettings
from gateway.lifecycle.live import Admin, Live
from gateway.request import Head
from gateway.shapes import ClientHeaders
from tests.certificates import make_pair
from tests.waiting import PATIENCE

SETTINGS = Settings((UpstreamSettings("up", "http://127.0.0.1:1/v1"),))
KEY = [(b"host", b"h"), (b"authorization", b"Bearer gw-1")]
ADDRESSES = [f"http://127.0.0.1:{port}/v1" for port in (1, 2, 3)]


def built(base_url: str, before: Application | None = None) -> Application:
    return app.build(Settings((UpstreamSettings("up", base_url),)), None, before)


def test_an_application_is_closed_after_its_last_request_and_in_order() -> None:
    async def scenario() -> None:
        live = Live(built(ADDRESSES[0]))
        first = live.application
        busy = live.door.connection()
        live.door.connections.add(busy)
        live.replace(second := built(ADDRESSES[1], first))
        live.replace(third := built(ADDRESSES[2], second))
        await asyncio.sleep(0)
        assert live.application is third
        # It still serves a request, so what it uses stays, and so does what came after it.
        retired = asyncio.create_task(live.retired())
        await asyncio.sleep(0)
        assert not retired.done()
        live.door.forget(busy)
        await asyncio.wait_for(retired, PATIENCE)
        live.drain()
        assert third.gateway.draining
        await live.aclose()
        await live.door.drain(0)

    asyncio.run(scenario())


def test_the_end_does_not_wait_for_earlier_applications() -> None:
    async def scenario() -> None:
        live = Live(built(ADDRESSES[0]))
        await live.retired()
        live.door.connections.add(live.door.connection())
        live.replace(built(ADDRESSES[1], live.application))
        await asyncio.wait_for(live.aclose(), PATIENCE)
        live.door.connections.clear()
        await live.door.drain(0)

    asyncio.run(scenario())


def test_the_grace_period_is_that_in_use() -> None:
    async def scenario() -> None:
        live = Live(built(ADDRESSES[0]))
        server = ServerSettings(grace_period=7)
        settings = replace(live.application.settings, server=server)
        live.replace(app.build(settings, None, live.application))
        assert live.grace_period() == 7
        await live.retired()
        await live.aclose()
        await live.door.drain(0)

    asyncio.run(scenario())


def test_what_runs_at_a_reload_counts_towards_the_limit_of_its_client() -> None:
    digest = hashlib.sha256(b"gw-1").hexdigest()
    head = Head("GET", b"/v1/files", b"", ClientHeaders(KEY))

    def limited(limit: int, before: Application | None = None) -> Application:
        clients = (ClientSettings("team", (digest,), max_concurrency=limit),)
        return app.build(replace(SETTINGS, clients=clients), None, before)

    async def scenario() -> None:
        first = limited(1)
        second = limited(1, first)
        third = limited(2, second)
        slots = [each.gateway.admit(head).slots for each in (first, second, third)]
        old, same, more = [each for each in slots if each is not None]
        assert old.take() is None
        assert same.take() is not None
        assert more.take() is None
        assert more.take() is not None
        old.give_back()
        assert more.take() is None
        for each in (first, second, third):
            await each.aclose()

    asyncio.run(scenario())


def test_operators_get_the_certificate_in_use_if_they_are_to_have_one(tmp_path: Path) -> None:
    server = ServerSettings(tls=make_pair(tmp_path).settings)

    async def scenario() -> None:
        settings = replace(SETTINGS, server=server)
        live = Live(app.build(settings))
        assert live.admin_tls() is None
        with_tls = replace(settings, admin=AdminSettings(tls=True))
        live.replace(app.build(with_tls, None, live.application))
        assert live.admin_tls() is live.application.gateway.tls is not None
        await live.retired()
        await live.aclose()
        await live.door.drain(0)

    asyncio.run(scenario())


def test_operators_reach_the_application_in_use() -> None:
    served: list[str] = []

    async def old(*_: object) -> None:
        served.append("old")

    async def new(*_: object) -> None:
        served.append("new")

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    async def scenario() -> None:
        admin = Admin(old)
        await admin({}, nothing, old)
        admin.application = new
        await admin({}, nothing, old)

    asyncio.run(scenario())
    assert served == ["old", "new"]
