"""The scene of `gateway demo` on a WebSocket, at the emulator alone."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.demo import emulator, socket_scene
from gateway.demo.socket_scene import Outcome


def played(model: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    monkeypatch.setattr(socket_scene, "_MODEL", model)
    monkeypatch.setitem(socket_scene.FIRST, "model", model)
    with emulator.serve() as served:
        return asyncio.run(socket_scene.play(served.base_url, "sk-demo"))


def test_a_model_that_lives_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = played("gpt-3.5-turbo", monkeypatch)
    assert (outcome.succeeded, outcome.status) == (False, "400")
    assert "not supported with the Responses API" in outcome.text


def test_both_creates_are_answered_where_the_model_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = played("gpt-4o-mini", monkeypatch)
    assert (outcome.succeeded, outcome.status) == (True, "completed")
    assert outcome.text == '"You said: Say hello"'
    assert outcome.headers == {}


def test_a_socket_that_ends_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [{"role": "user", "content": "!unfinished"}]
    monkeypatch.setitem(socket_scene.FIRST, "input", words)
    monkeypatch.setitem(socket_scene.FIRST, "generate", True)
    with pytest.raises(ConnectionClosed):
        played("gpt-4o-mini", monkeypatch)
