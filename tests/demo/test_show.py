"""`gateway demo`: what it shows, what it counts as success, and how it stays up."""

import asyncio
import io
import os
import re
import signal
import socket

import httpx2
import pytest
from rich.console import Console

from gateway.demo import show
from gateway.demo.show import KEY, SCENES, Scene


def played(monkeypatch: pytest.MonkeyPatch, *scenes: Scene) -> tuple[int, list[str]]:
    """Run the demonstration once; return its exit code and its lines."""
    console = recording()
    if scenes:
        monkeypatch.setattr(show, "SCENES", scenes)
    code = asyncio.run(show.show(once=True, port=8080, emulator_port=8081, console=console))
    return code, lines_of(console)


def recording() -> Console:
    return Console(file=io.StringIO(), highlight=False, soft_wrap=True, width=200)


def lines_of(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_every_scene_fails_at_the_upstream_and_succeeds_through_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, lines = played(monkeypatch)
    assert code == 0
    assert [scene.title for scene in SCENES] == [line for line in lines if line in _titles()]
    refused = [line.split()[2] for line in lines if line.startswith("  the upstream  ")]
    # Responses say 400 where the other endpoints say 404.
    assert refused == ["400" if scene.path == "/responses" else "404" for scene in SCENES]
    assert sum(line.startswith("  the gateway   200  ") for line in lines) == len(SCENES)
    assert '  the gateway   200  "You said: one" | "You said: two"' in lines
    assert lines.count('  the gateway   200  "You said: Say hello"') == 3
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


def test_it_stays_up_at_other_ports_where_its_own_are_taken_until_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invited = asyncio.Event()
    invite = show._invite

    def inviting(console: Console, gateway_url: str) -> None:
        invite(console, gateway_url)
        invited.set()

    monkeypatch.setattr(show, "_invite", inviting)

    async def scenario(taken: int) -> tuple[int, str]:
        console = recording()
        showing = asyncio.create_task(
            show.show(once=False, port=taken, emulator_port=taken, console=console)
        )
        await asyncio.wait_for(invited.wait(), 30)
        (base_url,) = re.findall(r'base_url="(\S+)"', "\n".join(lines_of(console)))
        async with httpx2.AsyncClient(trust_env=False) as client:
            body = {"model": "gpt-4o-mini", "prompt": "Hi", "max_tokens": 9}
            headers = {"authorization": f"Bearer {KEY}"}
            reply = await client.post(f"{base_url}/completions", json=body, headers=headers)
        assert reply.status_code == 200
        os.kill(os.getpid(), signal.SIGINT)
        return await showing, base_url

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, base_url = asyncio.run(scenario(port))
    assert code == 0
    assert f":{port}/" not in base_url


def test_a_port_that_is_free_is_taken_as_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        assert show._free(port) == 0
    assert show._free(port) == port
