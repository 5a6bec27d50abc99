"""OpenAI's Codex with its built-in provider, which opens a WebSocket, wherever the model lives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.shapes import Shape
from tests import kinds
from tests.clients.codex import SHELL, Codex, built_in_provider
from tests.clients.running import Stage, running_gateway, stage
from tests.clients.scripted_model import NAME, scripted_model
from tests.clients.tapping import Tap, Wire, tapped
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CHAT_ONLY, RESPONSES_ONLY, COMPLETIONS_ONLY = "gpt-3.5-turbo", "gpt-5-codex", "davinci-002"


@module_fixture
def running() -> Iterator[Stage]:
    with stage() as both:
        yield both


@pytest.fixture
def tap(running: Stage) -> Iterator[Tap]:
    running.upstream.journal.clear()
    with tapped(running.base_url) as made:
        yield made


def only_socket(tap: Tap) -> Wire:
    """The one socket that there was."""
    (wire,) = tap.upgrades
    assert wire.status == 101
    return wire


def check_turn(codex: Codex, tap: Tap, model: str, said: str) -> tuple[Any, Any]:
    """Run a turn in one socket, without a retry; return the two creates of it."""
    run = codex.run(model, "Say hello")
    assert run.code == 0, run.log
    assert said in run.answer, run.log
    assert "Reconnecting" not in run.log
    assert "Falling back" not in run.log
    assert not any(bytes(wire.sent).startswith(b"POST /v1/responses ") for wire in tap.wires)
    wire = only_socket(tap)
    prewarm, create = wire.from_client()
    assert prewarm["generate"] is False
    first, *_ = wire.from_server()
    assert create["previous_response_id"] == first["response"]["id"]
    assert len(json.dumps(create["input"])) < len(json.dumps(prewarm["input"]))
    return prewarm, create


def test_a_turn_at_the_emulator_itself(running: Stage, tmp_path: Path) -> None:
    with tapped(running.upstream.base_url) as tap:
        codex = Codex(built_in_provider(tap.base_url), tmp_path)
        check_turn(codex, tap, RESPONSES_ONLY, "You said: Say hello")


def test_a_turn_on_a_chat_only_model(running: Stage, tap: Tap, tmp_path: Path) -> None:
    codex = Codex(built_in_provider(tap.base_url), tmp_path)
    check_turn(codex, tap, CHAT_ONLY, "You said: Say hello")
    (call,) = running.upstream.journal.calls("/v1/chat/completions")
    assert running.upstream_paths().count("POST /v1/chat/completions") == 1
    asked = json.loads(call.body)
    roles = [message["role"] for message in asked["messages"]]
    # The instructions of the prewarm, and the words of the turn.
    assert roles[0] in ("system", "developer")
    assert "Say hello" in json.dumps(asked["messages"][-1])
    assert "GET /v1/responses" not in running.upstream_paths()


def test_a_turn_on_a_responses_only_model_is_relayed(
    running: Stage, tap: Tap, tmp_path: Path
) -> None:
    codex = Codex(built_in_provider(tap.base_url), tmp_path)
    creates = check_turn(codex, tap, RESPONSES_ONLY, "You said: Say hello")
    paths = running.upstream_paths()
    assert [path for path in paths if path.endswith("/v1/responses")] == ["GET /v1/responses"]
    (upgrade,) = running.upstream.journal.calls("/v1/responses", "GET")
    assert tuple(json.loads(message) for message in upgrade.messages) == creates


def test_a_turn_on_a_base_model(tmp_path: Path) -> None:
    # Codex always offers tools, which no base model takes.
    dropping = TranslationSettings(on_unsupported="drop")
    with stage(translation=dropping) as running, tapped(running.base_url) as tap:
        codex = Codex(built_in_provider(tap.base_url), tmp_path)
        check_turn(codex, tap, COMPLETIONS_ONLY, "davinci-002 continues")
        assert running.upstream_paths().count("POST /v1/completions") == 1


def test_the_tools_of_codex_are_refused_on_a_base_model(
    running: Stage, tap: Tap, tmp_path: Path
) -> None:
    run = Codex(built_in_provider(tap.base_url), tmp_path).run(COMPLETIONS_ONLY, "Say hello")
    assert run.code != 0
    assert "'tools' is not supported for model 'davinci-002'" in run.log
    assert "Reconnecting" not in run.log
    only_socket(tap)


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.RESPONSES])
def test_codex_runs_a_shell_tool_within_one_socket(shape: Shape, tmp_path: Path) -> None:
    rules = (ModelRule(NAME, endpoints=(shape,)),)
    with scripted_model(shape) as model:
        upstream = UpstreamSettings("local", model.base_url, kinds.OPENAI)
        settings = Settings((upstream,), models=rules, admin=AdminSettings())
        with running_gateway(settings) as gateway, tapped(gateway.base_url) as tap:
            model.script = [SHELL]
            codex = Codex(built_in_provider(tap.base_url), tmp_path)
            run = codex.run(NAME, "Run it.")
            assert run.code == 0, run.log
            assert run.answer.startswith("The tools said: ")
            assert "shell-42" in run.answer
            assert "Reconnecting" not in run.log
            creates = only_socket(tap).from_client()
            # A server without sockets is asked for one at most once.
            dialled = 1 if shape is Shape.RESPONSES else 0
            assert model.others == ["GET /v1/responses"] * dialled
        first, second = model.requests
        history = "messages" if shape is Shape.CHAT else "input"
        assert second[history][: len(first[history])] == first[history]
        assert [create.get("previous_response_id") is None for create in creates] == [
            True,
            False,
            False,
        ]
