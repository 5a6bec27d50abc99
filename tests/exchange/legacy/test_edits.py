"""Edits are chat requests, and the errors of these name the edit's parameters."""

from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import (
    ModelNotFound,
    PermissionDenied,
)
from gateway.exchange.decision import Decision
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.legacy_scene import LegacyScene, answering, refused
from tests.exchange.scene import chat_chunk, chat_completion, completion
from tests.fakes import Answer, error_reply, json_reply, stream_reply
from tests.translate.legacy.schemas import check_legacy

EDITOR = ModelRule("text-davinci-edit-001", model="gpt-4o")
EDIT = {"model": "text-davinci-edit-001", "input": "A wek.", "instruction": "Fix the spelling"}


def test_an_edit_is_made_by_the_chat_model_of_its_alias() -> None:
    scene = LegacyScene(answering(json_reply(chat_completion("A week."))), rules=(EDITOR,))
    result = scene.ask("POST", "/edits", EDIT)
    assert result.json["choices"] == [{"text": "A week.", "index": 0}]
    check_legacy("CreateEditResponse", result.json)
    (call,) = [call for call in scene.network.calls if call.method == "POST"]
    assert call.path == "/chat/completions"
    sent = scene.network.bodies()[0]
    assert sent["model"] == "gpt-4o"
    assert "A wek." in sent["messages"][1]["content"]
    assert [v for n, v in call.client_headers if n == b"content-type"] == [b"application/json"]
    assert b"content-length" not in dict(call.client_headers)
    assert result.decision.endpoint == "/v1/chat/completions"
    assert result.decision.translation == "from=edits; to=chat"
    headers = dict(result.reply.headers)
    assert headers[b"deprecation"] == b"@1688601600"
    assert headers[b"link"] == b'</v1/chat/completions>; rel="successor-version"'


def test_an_edit_reaches_a_model_that_only_completes() -> None:
    rule = ModelRule("editor", model="davinci-002", endpoints=(Shape.COMPLETIONS,))
    scene = LegacyScene(answering(json_reply(completion(" A week."))), rules=(rule,))
    result = scene.ask("POST", "/edits", {**EDIT, "model": "editor"})
    assert result.json["choices"][0]["text"] == "A week."
    assert scene.network.paths[-1] == "POST /completions"
    assert result.decision.translation.startswith("from=edits; to=completions")


@pytest.mark.parametrize("rules", [(), (ModelRule("*", endpoints=(Shape.CHAT,)),)])
@pytest.mark.parametrize("model", ["text-davinci-edit-001", "code-davinci-edit-001"])
def test_the_error_for_an_edit_model_without_an_alias_names_the_line_to_add(
    model: str, rules: tuple[ModelRule, ...]
) -> None:
    gone = error_reply(404, f"The model `{model}` has been deprecated", code="model_not_found")
    error = refused(
        LegacyScene(answering(gone), rules=rules), "POST", "/edits", {**EDIT, "model": model}
    )
    assert isinstance(error, ModelNotFound)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert f"`{model}: {{model: gpt-5.4-mini}}` to `models:`" in error.message
    assert error.message.count("{model:") == 1


def test_any_other_unknown_model_is_simply_not_found() -> None:
    def gone(_: UpstreamCall) -> Answer:
        return error_reply(404, "The model `nix` does not exist", code="model_not_found")

    error = refused(LegacyScene(gone), "POST", "/edits", {**EDIT, "model": "nix"})
    assert isinstance(error, ModelNotFound)
    assert "add the line" not in error.message
    rules = (ModelRule("text-davinci-edit-001", model="nix"),)
    error = refused(LegacyScene(gone, rules=rules), "POST", "/edits", EDIT)
    assert "add the line" not in error.message


def test_an_upstream_that_ignores_n_is_asked_until_all_choices_are_there() -> None:
    both = chat_completion("a")
    both["choices"] = [{**both["choices"][0], "index": i} for i in range(2)]
    replies = answering(*(json_reply(each) for each in (both, chat_completion("b"), both)))
    scene = LegacyScene(replies, rules=(EDITOR,))
    result = scene.ask("POST", "/edits", {**EDIT, "n": 4})
    assert [choice["text"] for choice in result.json["choices"]] == ["a", "a", "b", "a"]
    assert [choice["index"] for choice in result.json["choices"]] == [0, 1, 2, 3]
    assert [body.get("n") for body in scene.network.bodies()] == [4, None, None]
    assert result.json["usage"]["total_tokens"] == 7
    assert result.decision.attempts == 1


def test_an_upstream_that_is_asked_for_edits_by_its_own_name_is_asked_again_too() -> None:
    one = [json_reply(chat_completion(text)) for text in "abc"]
    scene = LegacyScene(answering(*one))
    result = scene.ask("POST", "/edits", {**EDIT, "model": "gpt-4o-mini", "n": 3})
    assert [choice["text"] for choice in result.json["choices"]] == ["a", "b", "c"]
    assert [body.get("n") for body in scene.network.bodies()] == [3, 2, None]
    assert result.decision.attempts == 3
    assert result.decision.translation == "from=edits; to=chat; emulated=n"
    assert result.json["usage"] == {"prompt_tokens": 1, "completion_tokens": 6, "total_tokens": 7}


def test_choices_that_are_asked_for_again_join_what_else_is_emulated() -> None:
    refusal = error_reply(400, "This model only supports stream mode, please enable it.")
    a, b = stream_reply(chat_chunk("a", "stop")), stream_reply(chat_chunk("b", "stop"))
    scene = LegacyScene(answering(refusal, a, b))
    result = scene.ask("POST", "/edits", {**EDIT, "model": "gpt-4o-mini", "n": 2})
    assert [choice["text"] for choice in result.json["choices"]] == ["a", "b"]
    assert result.decision.translation == "from=edits; to=chat; emulated=stream,n"


def test_a_models_reasoning_effort_goes_with_its_edits() -> None:
    rule = ModelRule("editor", model="gpt-5", reasoning_effort="minimal")
    scene = LegacyScene(answering(json_reply(chat_completion("x"))), rules=(rule,))
    scene.ask("POST", "/edits", {**EDIT, "model": "editor"})
    assert scene.network.bodies()[0]["reasoning_effort"] == "minimal"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m"}, "instruction"),
        ({"instruction": "x"}, "model"),
        ({"model": 5, "instruction": "x"}, "model"),
        ({**EDIT, "stream": True}, "stream"),
    ],
)
def test_a_wrong_edit_is_refused_before_anything_is_sent(body: Any, param: str) -> None:
    scene = LegacyScene(answering())
    error = refused(scene, "POST", "/edits", body)
    assert (error.status, error.param) == (400, param)
    assert scene.network.calls == []
    assert ("deprecation", "@1688601600") in error.headers


def test_an_upstreams_refusal_names_the_edits_parameter() -> None:
    reply = error_reply(400, "Too long.", param="messages[1].content", code="string_above_max")
    scene = LegacyScene(answering(reply), rules=(EDITOR,))
    error = refused(scene, "POST", "/edits", EDIT)
    assert (error.status, error.param, error.code) == (400, "input", "string_above_max")
    assert error.message == "Too long (upstream parameter: messages[1].content)."


def test_an_upstreams_refusal_of_a_translated_edit_names_the_edits_parameter() -> None:
    rule = ModelRule("editor", model="davinci-002", endpoints=(Shape.COMPLETIONS,))
    reply = error_reply(400, "Too long.", param="prompt", code="string_above_max")
    error = refused(
        LegacyScene(answering(reply), rules=(rule,)), "POST", "/edits", {**EDIT, "model": "editor"}
    )
    assert error.param == "instruction"


def test_a_client_may_edit_with_its_own_models_only() -> None:
    client = ClientSettings("team", ("0" * 64,), ("gpt-*",))
    error = refused(LegacyScene(answering()), "POST", "/edits", EDIT, client=client)
    assert isinstance(error, PermissionDenied)


def test_a_failed_edit_is_reported_as_an_edit() -> None:
    decision = Decision()
    scene = LegacyScene(answering(error_reply(400, "No.")), rules=(EDITOR,))
    refused(scene, "POST", "/edits", EDIT, decision=decision)
    assert decision.translation == "from=edits; to=chat"


def test_the_gateways_own_key_refused_is_not_shown() -> None:
    own = UpstreamSettings("own", "https://o/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("k"))
    bad = error_reply(401, "Incorrect API key: sk-o*wn")
    error = refused(LegacyScene(lambda _: bad, own, rules=(EDITOR,)), "POST", "/edits", EDIT)
    assert error.code == "upstream_auth_error"
