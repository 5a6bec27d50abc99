"""Realtime through the gateway, over real connections: keys, refusals, ends, and a lot of audio."""

import asyncio
import base64
import json
import os
from collections.abc import Coroutine
from typing import Any

import openai
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, ModelRule
from tests import kinds
from tests.clients.running import RunningGateway, stage
from tests.clients.sockets_before import UNLIMITED, gateway_before, upstream
from tests.upstream.scripted import Peer, scripted, until, with_length

SIZE = 80_000_000
"""Bytes of audio, as base64, each way."""
PIECE = 192_000
SLOW = 16_000_000
"""As much is read slowly."""
IN_BETWEEN = 45_000_000
"""What may be under way at most: mostly in the kernel's buffers of four sockets.

Where a reader stands still for a while, Linux lets one of them grow to 32 MiB (`tcp_rmem`).
"""
PREVIEW = "2025-04-01-preview"
PROTOCOLS = [Subprotocol(p) for p in ("realtime", "openai-insecure-api-key.sk-browser")]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def through(gateway: RunningGateway, query: str = "?model=gpt-realtime", **more: Any) -> connect:
    url = gateway.base_url.replace("http", "ws") + "/realtime" + query
    headers = more.pop("headers", {"authorization": "Bearer sk-client"})
    return connect(url, additional_headers=headers, **{**UNLIMITED, **more})


async def quiet(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_the_openai_package_talks_to_a_realtime_model_under_an_alias() -> None:
    async def scenario(base_url: str) -> None:
        client = openai.AsyncOpenAI(base_url=base_url, api_key="sk-test")
        async with client.realtime.connect(model="talk") as connection:
            kinds_ = []
            await connection.session.update(
                session={"type": "realtime", "output_modalities": ["text"]}
            )
            await connection.conversation.item.create(
                item={
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Say hello"}],
                }
            )
            await connection.response.create()
            async for event in connection:
                kinds_.append(event.type)
                if event.type == "response.done":
                    break
        await client.close()
        assert kinds_[0] == "session.created"
        assert "response.output_text.delta" in kinds_

    with stage(ModelRule("talk", model="gpt-realtime-2.1")) as both:
        run(scenario(both.base_url))
        assert both.upstream_paths()[-1] == "GET /v1/realtime"


def test_a_secret_for_a_browser_is_made_for_the_aliased_model() -> None:
    bodies: list[bytes] = []
    secret = {"value": "ek_1", "expires_at": 1, "session": {"type": "realtime"}}

    async def script(peer: Peer) -> None:
        while True:
            bodies.append((await peer.request()).body)
            await peer.send(with_length(json.dumps(secret).encode()))

    async def scenario() -> None:
        rule = ModelRule("talk", model="gpt-realtime-2.1")
        async with (
            scripted(script) as made,
            gateway_before(made.base_url, models=(rule,)) as gateway,
        ):
            client = openai.AsyncOpenAI(base_url=gateway.base_url, api_key="sk-test")
            made_for = await client.realtime.client_secrets.create(
                session={"type": "realtime", "model": "talk"}
            )
            await client.close()
        assert made_for.value == "ek_1"

    run(scenario())
    assert json.loads(bodies[-1])["session"]["model"] == "gpt-realtime-2.1"


@pytest.mark.parametrize("policy", [CredentialPolicy.CALLER, CredentialPolicy.KEY])
@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.AZURE])
def test_a_browsers_key_reaches_the_upstream_in_its_own_form(
    policy: CredentialPolicy, kind: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[Request] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)
        await connection.wait_closed()

    async def scenario() -> None:
        more: dict[str, Any] = {"kind": kind, "credential": policy}
        if policy is CredentialPolicy.KEY:
            more["api_key"] = Secret("sk-upstream")
        async with (
            upstream(note, subprotocols=[Subprotocol("realtime")]) as url,
            gateway_before(url.replace("/v1", "/openai/v1"), more) as gateway,
            through(gateway, headers={}, subprotocols=PROTOCOLS) as client,
        ):
            assert client.subprotocol == "realtime"
            assert client.response is not None
            assert "sk-browser" not in str(client.response.headers)

    run(scenario())
    key = "sk-browser" if policy is CredentialPolicy.CALLER else "sk-upstream"
    name, value = ("api-key", key) if kind is kinds.AZURE else ("authorization", f"Bearer {key}")
    assert seen[0].headers[name] == value
    assert seen[0].headers["sec-websocket-protocol"] == "realtime"
    assert seen[0].path == "/openai/v1/realtime?model=gpt-realtime"
    assert "sk-browser" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("kind", "version", "path"),
    [
        (kinds.AZURE, PREVIEW, f"/openai/realtime?deployment=gpt-rt&api-version={PREVIEW}"),
        (kinds.AZURE, "v1", "/openai/v1/realtime?model=gpt-rt&api-version=v1"),
        (kinds.OPENAI, PREVIEW, "/realtime?model=gpt-rt"),
    ],
)
def test_azures_client_names_a_deployment(kind: Any, version: str, path: str) -> None:
    seen: list[str] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.path)
        await connection.wait_closed()

    async def scenario() -> None:
        rule = ModelRule("talk", model="gpt-rt")
        async with (
            upstream(note) as url,
            gateway_before(url.removesuffix("/v1"), {"kind": kind}, models=(rule,)) as gateway,
            openai.AsyncAzureOpenAI(
                azure_endpoint=gateway.base_url.removesuffix("/v1"),
                # It would insist on TLS.
                websocket_base_url=gateway.base_url.replace("http", "ws").replace("v1", "openai"),
                api_version=version,
                api_key="k",
            ) as client,
            client.realtime.connect(model="talk"),
        ):
            await until(lambda: len(seen) == 1)

    run(scenario())
    assert seen == [path]


@pytest.mark.parametrize("status", [401, 404, 429])
def test_a_refusal_comes_before_the_handshake_is_accepted(status: int) -> None:
    body = b'{"error": {"message": "no", "type": "t", "param": null, "code": null}}'

    def refuse(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(status, "")
        response.body = body
        del response.headers["content-length"]
        del response.headers["content-type"]
        response.headers["content-length"] = str(len(body))
        response.headers["content-type"] = "application/json"
        response.headers["retry-after"] = "7"
        return response

    async def scenario() -> None:
        async with (
            upstream(quiet, process_request=refuse) as url,
            gateway_before(url) as gateway,
        ):
            with pytest.raises(InvalidStatus) as caught:
                await through(gateway)
            response = caught.value.response
            assert (response.status_code, response.body) == (status, body)
            assert response.headers["retry-after"] == "7"

    run(scenario())


def test_an_upstream_that_is_not_there_is_a_502() -> None:
    async def scenario() -> None:
        async with gateway_before("http://127.0.0.1:9/v1") as gateway:
            with pytest.raises(InvalidStatus) as caught:
                await through(gateway)
            assert caught.value.response.status_code == 502
            assert caught.value.response.body is not None
            error = json.loads(caught.value.response.body)["error"]
            assert error["code"] == "upstream_unavailable"

    run(scenario())


@pytest.mark.parametrize("code", [1000, 1001, 4001])
def test_ends_are_passed_on_both_ways(code: int) -> None:
    ends: list[tuple[int | None, str | None]] = []

    async def leave(connection: ServerConnection) -> None:
        if await connection.recv() == "leave":
            await connection.close(code, "by the upstream")
        await connection.wait_closed()
        ends.append((connection.close_code, connection.close_reason))

    async def scenario() -> None:
        async with upstream(leave) as url, gateway_before(url) as gateway:
            async with through(gateway) as client:
                await client.send("leave")
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert (client.close_code, client.close_reason) == (code, "by the upstream")
            async with through(gateway) as client:
                await client.send("stay")
                await client.close(code, "by the client")
            await until(lambda: len(ends) == 2)

    run(scenario())
    assert ends[1] == (code, "by the client")


def test_connections_that_are_lost_do_not_look_like_an_end() -> None:
    ends: list[int | None] = []

    async def lose(connection: ServerConnection) -> None:
        if await connection.recv() == "lose":
            connection.transport.abort()
        await connection.wait_closed()
        ends.append(connection.close_code)

    async def scenario() -> None:
        async with upstream(lose) as url, gateway_before(url) as gateway:
            async with through(gateway) as client:
                await client.send("lose")
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1011
            async with through(gateway) as client:
                await client.send("stay")
                await asyncio.sleep(0)
                client.transport.abort()
            await until(lambda: len(ends) == 2)

    run(scenario())
    assert ends == [1006, 1006]


def test_pings_go_from_end_to_end() -> None:
    async def scenario() -> None:
        async with (
            upstream(echo) as url,
            gateway_before(url) as gateway,
            through(gateway) as client,
        ):
            assert await (await client.ping(b"are you there?")) >= 0

    run(scenario())


def left_over(gateway: RunningGateway) -> tuple[int, int]:
    """How many sockets are open at upstreams, and how many tasks run in the gateway's loop."""
    sockets = gateway.application.upstreams.reached["openai"].sockets
    assert sockets is not None
    opened = sum(address.dialer.open for address in sockets._addresses)
    return opened, len(asyncio.all_tasks(gateway.loop))


@pytest.mark.alone
@pytest.mark.parametrize("ends", ["client", "lost", "upstream"])
def test_many_sessions_leave_nothing(ends: str) -> None:
    async def once(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())
        if ends == "upstream":
            await connection.close(1001)
        await connection.wait_closed()

    async def session(gateway: RunningGateway) -> None:
        async with through(gateway) as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            if ends == "lost":
                client.transport.abort()

    async def scenario() -> None:
        async with upstream(once) as url, gateway_before(url) as gateway:
            await session(gateway)
            await until(lambda: left_over(gateway)[0] == 0)
            before = left_over(gateway)
            for _ in range(4):
                await asyncio.gather(*(session(gateway) for _ in range(50)))
            await until(lambda: left_over(gateway) <= before)

    run(scenario())


def messages() -> list[str]:
    audio = base64.b64encode(os.urandom(PIECE * 3 // 4)).decode()
    append = json.dumps({"type": "input_audio_buffer.append", "audio": audio})
    return [append] * (SIZE // PIECE + 1)


class Meter:
    """Counts what was sent, received, and how much was under way at most."""

    def __init__(self) -> None:
        self.sent = self.received = self.most = 0

    async def send(self, connection: ClientConnection | ServerConnection) -> None:
        for message in messages():
            await connection.send(message)
            self.sent += len(message)
            self.most = max(self.most, self.sent - self.received)
        await connection.send("end")

    async def read(
        self, connection: ClientConnection | ServerConnection, *, slowly: bool = False
    ) -> None:
        while (message := await connection.recv()) != "end":
            self.received += len(message)
            if slowly and self.received < SLOW:
                await asyncio.sleep(0.005)


@pytest.mark.alone
@pytest.mark.parametrize("slow", ["", "client", "upstream"])
def test_a_lot_of_audio_passes_both_ways_at_the_pace_of_the_slower_side(slow: str) -> None:
    up, down = Meter(), Meter()

    async def both(connection: ServerConnection) -> None:
        await asyncio.gather(down.send(connection), up.read(connection, slowly=slow == "upstream"))
        await connection.wait_closed()

    async def scenario() -> None:
        async with (
            upstream(both, max_queue=2) as url,
            gateway_before(url) as gateway,
            through(gateway, max_queue=2) as client,
        ):
            await asyncio.gather(up.send(client), down.read(client, slowly=slow == "client"))

    run(scenario())
    for meter in (up, down):
        assert meter.received == meter.sent > SIZE
        assert meter.most < IN_BETWEEN
