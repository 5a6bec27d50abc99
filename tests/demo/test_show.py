"""`gateway demo`: what it shows, what it counts as success, and how it stays up."""

import asyncio
import os
import re
import signal
import socket
import sys

import httpx2
import pytest
from click import unstyle

from gateway.demo import show, socket_scene
from gateway.demo.show import KEY, SCENES, Ports, PortTaken, Scene
from tests.addresses import held_port


def played(monkeypatch: pytest.MonkeyPatch, *scenes: Scene) -> tuple[int, list[str]]:
    """Run the demonstration once; return its exit code and its lines."""
    if scenes:
        monkeypatch.setattr(show, "SCENES", scenes)
    printed: list[str] = []
    code = asyncio.run(show.show(once=True, ports=Ports(), write=printed.append))
    return code, lines_of(printed)


def lines_of(printed: list[str]) -> list[str]:
    return unstyle("\n".join(printed)).splitlines()


def test_every_scene_fails_at_the_upstream_and_succeeds_through_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, lines = played(monkeypatch)
    assert code == 0
    assert [scene.title for scene in SCENES] == [line for line in lines if line in _titles()]
    refused = [line.split()[2] for line in lines if line.startswith("  the upstream  ")]
    # Responses say 400 where the other endpoints say 404.
    paths = [*(scene.path for scene in SCENES), socket_scene.PATH]
    assert refused == ["400" if path == "/responses" else "404" for path in paths]
    assert sum(line.startswith("  the gateway   200  ") for line in lines) == len(SCENES)
    assert '  the gateway   200  "You said: one" | "You said: two"' in lines
    assert lines.count('  the gateway   200  "You said: Say hello"') == 6
    assert '  the gateway   completed  "You said: Say hello"' in lines
    assert "                x-gateway-resolved-by: job" in lines
    assert "                data: [DONE]" in lines


def _titles() -> set[str]:
    return {scene.title for scene in SCENES}


def test_a_scene_that_goes_otherwise_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = Scene("A call that needs no gateway", "/completions", {"model": "davinci-002"})
    everywhere.body["prompt"] = "Hi"
    code, lines = played(monkeypatch, everywhere)
    assert code == 1
    assert any(line.startswith("  the upstream  200  ") for line in lines)
    nowhere = Scene("A model [that] is not there", "/completions", {"model": "none", "prompt": ""})
    code, lines = played(monkeypatch, nowhere)
    assert code == 1
    assert "A model [that] is not there" in lines
    assert any(line.startswith("  the gateway   404  The model `none`") for line in lines)


def urls(lines: list[str]) -> tuple[str, str]:
    """The base URLs of the gateway and of the upstream."""
    urls = re.fullmatch(r"the gateway at (\S+), the upstream at (\S+)", lines[0])
    assert urls
    return urls[1], urls[2]


def taken(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def test_it_stays_up_at_other_ports_where_the_usual_are_taken_until_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invited = asyncio.Event()
    invite = show._invite

    def inviting(write: show.Print, upstream_url: str, gateway_url: str) -> None:
        invite(write, upstream_url, gateway_url)
        invited.set()

    monkeypatch.setattr(show, "_invite", inviting)

    async def scenario() -> tuple[int, list[str]]:
        printed: list[str] = []
        showing = asyncio.create_task(show.show(once=False, ports=Ports(), write=printed.append))
        await asyncio.wait_for(invited.wait(), 30)
        lines = lines_of(printed)
        own, theirs = urls(lines)
        assert f"The upstream, an emulator of OpenAI and of Anthropic, is at {theirs}" in lines
        assert any(f'base_url="{own}"' in line for line in lines)
        async with httpx2.AsyncClient(trust_env=False) as client:
            headers = {"authorization": f"Bearer {KEY}"}
            body = {"model": "gpt-4o-mini", "prompt": "Hi", "max_tokens": 9}
            reply = await client.post(f"{own}/completions", json=body, headers=headers)
            assert reply.status_code == 200
            reply = await client.get(f"{theirs}/models", headers=headers)
            assert reply.status_code == 200
        os.kill(os.getpid(), signal.SIGINT)
        return await showing, lines

    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        monkeypatch.setattr(show, "DEFAULT_PORTS", Ports(taken(one), taken(other)))
        code, lines = asyncio.run(scenario())
        assert code == 0
        for url in urls(lines):
            assert not any(f":{taken(each)}/" in url for each in (one, other))


@pytest.mark.parametrize(("found", "command"), [("/bin/gateway", "gateway"), (None, "./a")])
def test_it_names_the_command_as_it_can_be_called(
    monkeypatch: pytest.MonkeyPatch, found: str | None, command: str
) -> None:
    monkeypatch.setattr(show, "which", lambda _: found)
    monkeypatch.setattr(sys, "argv", ["./a", "demo"])
    written: list[str] = []
    show._invite(written.append, "http://upstream/v1", "http://gateway/v1")
    assert f"\n  {command} resolve acme-writer-v2\n" in "".join(written)


def test_an_interrupt_between_the_scenes_ends_it_at_once() -> None:
    printed: list[str] = []

    def write(line: str) -> None:
        printed.append(line)
        if "POST" in line:
            os.kill(os.getpid(), signal.SIGINT)

    assert asyncio.run(show.show(once=False, ports=Ports(), write=write)) == 1
    lines = lines_of(printed)
    assert lines[-1].startswith("POST /v1/completions")
    assert not [line for line in lines if "shutting down" in line or "now you" in line]


def test_ports_that_are_named_or_usual_are_had() -> None:
    own, theirs = held_port(), held_port()
    printed: list[str] = []
    assert asyncio.run(show.show(once=True, ports=Ports(own, theirs), write=printed.append)) == 0
    expected = (f"http://127.0.0.1:{own}/v1", f"http://127.0.0.1:{theirs}/v1")
    assert urls(lines_of(printed)) == expected
    with show._listening(None, own, "--port") as listening:
        assert taken(listening) == own


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("option", ["--port", "--emulator-port"])
def test_a_port_that_is_named_and_taken_is_an_error_before_anything_runs(
    option: str, *, once: bool
) -> None:
    printed: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = taken(other)
        ports = Ports(port) if option == "--port" else Ports(0, port)
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}: .*{option}\.$"):
            asyncio.run(show.show(once=once, ports=ports, write=printed.append))
    assert lines_of(printed) == []


def test_one_port_cannot_serve_both() -> None:
    port = held_port()
    with pytest.raises(PortTaken, match="--emulator-port"):
        asyncio.run(show.show(once=True, ports=Ports(port, port), write=lambda _: None))
