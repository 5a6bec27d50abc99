"""`gateway translate`: the calls and the report, or the refusal."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from gateway.admin import translation
from gateway.shapes import Shape
from gateway.translate.plan import can_translate
from tests.cli.commands import run

BODIES: dict[Shape, dict[str, Any]] = {
    Shape.COMPLETIONS: {"model": "m", "prompt": "Hi", "max_tokens": 20},
    Shape.CHAT: {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    Shape.RESPONSES: {"model": "m", "input": "Hi"},
    Shape.MESSAGES: {
        "model": "m",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": "Hi"}],
    },
}
PAIRS = [(client, home) for client in Shape for home in Shape]


def translated(client: Shape, home: Shape, body: Any, *more: str) -> Result:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return run("translate", "--from", client.value, "--to", home.value, *more, stdin=raw)


@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if can_translate(*pair)])
def test_translate_prints_the_calls_and_the_report(client: Shape, home: Shape) -> None:
    result = translated(client, home, BODIES[client])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    (call,) = printed["calls"]
    assert call["path"] == home.endpoint
    assert set(BODIES[home]) - {"max_tokens"} <= set(call["body"])
    assert (printed["report"]["from"], printed["report"]["to"]) == (client, home)
    assert printed["local_reply"] is None


@pytest.mark.parametrize("home", Shape)
def test_a_chat_body_that_is_one_of_responses_is_translated_as_such(home: Shape) -> None:
    result = translated(Shape.CHAT, home, BODIES[Shape.RESPONSES])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    assert printed["calls"][0]["path"] == home.endpoint
    report = printed["report"]
    assert (report["from"], report["body"], report["to"]) == ("chat", "responses", home)


def test_translate_says_where_there_is_no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "can_translate", lambda _client, _home: False)
    result = translated(Shape.CHAT, Shape.RESPONSES, BODIES[Shape.CHAT])
    assert result.exit_code == 1
    assert "There is no translation from chat to responses" in result.output


@pytest.mark.parametrize(
    ("body", "param"),
    [({**BODIES[Shape.COMPLETIONS], "suffix": "end"}, "suffix"), (b"{", None), (b"[]", None)],
)
def test_translate_prints_a_refusal_as_the_client_gets_it(body: Any, param: str | None) -> None:
    result = translated(Shape.COMPLETIONS, Shape.CHAT, body)
    assert result.exit_code == 1
    error = json.loads(result.output)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param


@pytest.mark.parametrize("turns", [[{"role": "user", "content": [{"type": "odd"}]}], []])
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.RESPONSES])
def test_translate_prints_a_refusal_as_a_messages_client_gets_it(home: Shape, turns: Any) -> None:
    result = translated(Shape.MESSAGES, home, {**BODIES[Shape.MESSAGES], "messages": turns})
    assert result.exit_code == 1
    printed = json.loads(result.output)
    assert printed["type"] == "error"
    assert printed["error"]["type"] == "invalid_request_error"
    assert "[" not in printed["error"]["message"].partition(":")[0]
    assert ("messages.0.content.0" if turns else "messages") in printed["error"]["message"]


def test_translate_needs_no_model() -> None:
    result = translated(Shape.COMPLETIONS, Shape.CHAT, {"prompt": "Hi", "max_tokens": 0})
    printed = json.loads(result.output)
    assert (printed["calls"], printed["local_reply"]["choices"][0]["text"]) == ([], "")


def test_translate_shows_what_is_sealed_as_it_is_served() -> None:
    asked = {"role": "user", "content": "Hi"}
    body = {"model": "gpt-3.5-turbo", "input": [asked, {"type": "compaction_trigger"}]}
    printed = json.loads(translated(Shape.RESPONSES, Shape.CHAT, body).output)
    assert printed["report"]["emulated"] == ["input[1]"]
    assert printed["calls"][0]["body"]["messages"][0] == asked


def test_translate_reads_a_file_and_uses_the_rule_of_the_model(
    config: Path, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({**BODIES[Shape.CHAT], "model": "my-bot"}))
    pair = ("--from", "chat", "--to", "completions")
    result = run("translate", *pair, "--config", str(config), "--kind", "vllm", str(body))
    assert result.exit_code == 0
    sent = json.loads(result.output)["calls"][0]["body"]
    assert (sent["model"], sent["prompt"]) == ("acme-writer-v2", "Hi")


def test_a_kind_that_is_not_known_lists_those_that_are() -> None:
    result = translated(Shape.CHAT, Shape.CHAT, BODIES[Shape.CHAT], "--kind", "vlm")
    assert result.exit_code == 2
    assert "Error: Invalid value for '--kind': 'vlm' is not one of " in result.output
    assert "vllm" in result.output


def test_translate_has_the_parameters_of_the_models_rule(config: Path) -> None:
    written = "models:\n  m: {params: {set: {top_p: 0.5}, drop: user}}\n"
    config.write_text(config.read_text().replace("models:\n", written))
    body = json.dumps({"model": "m", "prompt": "Hi", "user": "alice", "n": 2})
    options = ("--from", "completions", "--to", "chat", "--config", str(config))
    printed = json.loads(run("translate", *options, stdin=body).output)
    assert printed["calls"][0]["body"]["top_p"] == 0.5
    assert printed["report"]["dropped"] == ["user"]
    assert printed["report"]["changed"] == ["top_p:none->0.5"]


@pytest.mark.parametrize("home", [Shape.CHAT, Shape.MESSAGES, Shape.COMPLETIONS])
def test_what_is_nested_deeply_is_refused_in_words(home: Shape, tmp_path: Path) -> None:
    called = '{"type": "function_call", "call_id": "c", "name": "f", "arguments": %s}'
    for depth in (*range(700, 1000, 12), 5_000):
        deep = called % ('{"a":' * depth + "1" + "}" * depth)
        body = f'{{"model": "m", "input": [{deep}]}}'
        assert json.loads(translated(Shape.RESPONSES, home, body.encode()).stdout)
        reply = tmp_path / "reply.json"
        reply.write_text(f'{{"id": "r", "status": "completed", "output": [{deep}]}}')
        given = translated(home, Shape.RESPONSES, BODIES[home], "--reply", str(reply))
        assert json.loads(given.stdout)


@pytest.mark.parametrize("kind", ["vllm", "openai"])
def test_a_kind_is_that_of_an_assumed_upstream_only(kind: str) -> None:
    body = json.dumps(BODIES[Shape.CHAT])
    refused = run("translate", "--from", "chat", "--kind", kind, stdin=body)
    assert (refused.exit_code, "--kind needs --to" in refused.stderr) == (2, True)
    assert translated(Shape.CHAT, Shape.CHAT, BODIES[Shape.CHAT], "--kind", kind).exit_code == 0
