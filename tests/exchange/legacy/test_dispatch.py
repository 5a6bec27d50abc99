"""Edits, engines and other endpoints that are gone, served by those that followed."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    UpstreamSettings,
)
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    PermissionDenied,
    UnknownRoute,
    UpstreamError,
)
from gateway.exchange.decision import Decision
from gateway.shapes import Shape, UpstreamCall
from gateway.translate.legacy import engines
from tests import kinds
from tests.exchange.legacy_scene import LegacyScene
from tests.exchange.scene import OPENAI, chat_chunk, chat_completion, completion
from tests.fakes import JSON, Answer, FakeReply, error_reply, json_reply, stream_reply
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.upstream_json import ANY_JSON, almost

EDITOR = ModelRule("text-davinci-edit-001", model="gpt-4o")
EDIT = {"model": "text-davinci-edit-001", "input": "A wek.", "instruction": "Fix the spelling"}
MODELS = {
    "object": "list",
    "data": [{"id": "gpt-4o", "object": "model", "created": 5, "owned_by": "system"}],
}
LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)


def answering(*replies: Answer) -> Callable[[UpstreamCall], Answer]:
    """Answer posts with these, in order; model lists and job records as usual."""
    left = list(replies)

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "POST":
            return left.pop(0)
        return json_reply(MODELS) if call.path == "/models" else error_reply(404, "No.")

    return answer


def refused(scene: LegacyScene, method: str, path: str, body: Any = None, **more: Any) -> Any:
    with pytest.raises(GatewayError) as caught:
        scene.ask(method, path, body, **more)
    return caught.value


@pytest.mark.parametrize(
    "path",
    [
        *("/models", "/completions", "/fine_tuning/jobs", "/fine-tunes/", "/fine-tunes/a/b"),
        *("/fine-tunes/a/events/b", "/fine-tunesX", "/editsX", "/enginesX", "/"),
        *("/images/edits", "/edits/x"),
    ],
)
def test_other_paths_are_not_the_legacy_endpoints(path: str) -> None:
    scene = LegacyScene(answering())
    for method in ("GET", "POST"):
        route, _ = scene.router.find(method, f"/v1{path}")
        assert not route.path.pattern.startswith(("/v1/engines", "/v1/edits", "/v1/fine-tunes"))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/edits", "POST"),
        ("POST", "/engines", "GET"),
        ("POST", "/engines/davinci", "GET"),
        ("GET", "/engines/davinci/completions", "POST"),
        ("DELETE", "/fine-tunes", "GET, POST"),
        ("DELETE", "/fine-tunes/ft-1", "GET"),
        ("GET", "/fine-tunes/ft-1/cancel", "POST"),
        ("POST", "/fine-tunes/ft-1/events", "GET"),
    ],
)
def test_a_method_that_an_endpoint_never_had_is_refused(
    method: str, path: str, allowed: str
) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        LegacyScene(answering()).ask(method, path)
    assert caught.value.headers == (("allow", allowed),)


def test_an_edit_is_made_by_the_chat_model_of_its_alias() -> None:
    scene = LegacyScene(answering(json_reply(chat_completion("A week."))), rules=(EDITOR,))
    told = scene.ask("POST", "/edits", EDIT)
    assert told.json["choices"] == [{"text": "A week.", "index": 0}]
    check_legacy("CreateEditResponse", told.json)
    (call,) = [call for call in scene.network.calls if call.method == "POST"]
    assert call.path == "/chat/completions"
    sent = scene.network.bodies()[0]
    assert sent["model"] == "gpt-4o"
    assert "A wek." in sent["messages"][1]["content"]
    assert [v for n, v in call.client_headers if n == b"content-type"] == [b"application/json"]
    assert b"content-length" not in dict(call.client_headers)
    assert told.decision.endpoint == "/v1/chat/completions"
    assert told.decision.translation == "from=edits; to=chat"
    headers = dict(told.reply.headers)
    assert headers[b"deprecation"] == b"@1688601600"
    assert headers[b"link"] == b'</v1/chat/completions>; rel="successor-version"'


def test_an_edit_reaches_a_model_that_only_completes() -> None:
    rule = ModelRule("editor", model="davinci-002", endpoints=(Shape.COMPLETIONS,))
    scene = LegacyScene(answering(json_reply(completion(" A week."))), rules=(rule,))
    told = scene.ask("POST", "/edits", {**EDIT, "model": "editor"})
    assert told.json["choices"][0]["text"] == "A week."
    assert scene.network.paths[-1] == "POST /completions"
    assert told.decision.translation.startswith("from=edits; to=completions")


@pytest.mark.parametrize("rules", [(), (ModelRule("*", endpoints=(Shape.CHAT,)),)])
@pytest.mark.parametrize("model", ["text-davinci-edit-001", "code-davinci-edit-001"])
def test_an_edit_model_without_an_alias_is_told_which_line_to_add(
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
    told = scene.ask("POST", "/edits", {**EDIT, "n": 4})
    assert [choice["text"] for choice in told.json["choices"]] == ["a", "a", "b", "a"]
    assert [choice["index"] for choice in told.json["choices"]] == [0, 1, 2, 3]
    assert [body.get("n") for body in scene.network.bodies()] == [4, None, None]
    assert told.json["usage"]["total_tokens"] == 7
    assert told.decision.attempts == 1


def test_an_upstream_that_is_asked_for_edits_by_its_own_name_is_asked_again_too() -> None:
    one = [json_reply(chat_completion(text)) for text in "abc"]
    scene = LegacyScene(answering(*one))
    told = scene.ask("POST", "/edits", {**EDIT, "model": "gpt-4o-mini", "n": 3})
    assert [choice["text"] for choice in told.json["choices"]] == ["a", "b", "c"]
    assert [body.get("n") for body in scene.network.bodies()] == [3, 2, None]
    assert told.decision.attempts == 3


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


@pytest.mark.parametrize(("status", "shown"), [(409, 429), (429, 429), (500, 502), (422, 400)])
def test_no_status_makes_the_old_library_retry_for_ever(status: int, shown: int) -> None:
    reply = error_reply(status, "Busy.")
    reply.headers = (*reply.headers, (b"retry-after", b"3"), (b"x-ratelimit-limit", b"9"))
    error = refused(LegacyScene(answering(reply), rules=(EDITOR,)), "POST", "/edits", EDIT)
    assert error.status == shown
    assert {("retry-after", "3"), ("x-ratelimit-limit", "9")} <= set(error.headers)


def test_an_error_that_is_no_json_is_shown_in_short() -> None:
    html = FakeReply(500, ((b"content-type", b"text/html"),), (b"<p>broken</p>",))
    error = refused(LegacyScene(answering(html), rules=(EDITOR,)), "POST", "/edits", EDIT)
    assert isinstance(error, UpstreamError)
    assert "status 500: <p>broken</p>" in error.message


def test_a_large_reply_is_read_to_its_end() -> None:
    raw = msgspec.json.encode(chat_completion("x" * 10_000))
    pieces = [raw[i : i + 1000] for i in range(0, len(raw), 1000)]
    reply = FakeReply(200, ((b"content-type", b"application/json"),), pieces)
    told = LegacyScene(answering(reply), rules=(EDITOR,)).ask("POST", "/edits", EDIT)
    assert told.json["choices"][0]["text"] == "x" * 10_000
    assert reply.closed


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    for path in ("/edits", "/engines/davinci/completions", "/fine-tunes"):
        assert refused(LegacyScene(answering()), "POST", path, body).code == "invalid_json"


def test_a_client_may_edit_with_its_own_models_only() -> None:
    client = ClientSettings("team", "0" * 64, ("gpt-*",))
    error = refused(LegacyScene(answering()), "POST", "/edits", EDIT, client=client)
    assert isinstance(error, PermissionDenied)


def test_engines_are_the_models_aliases_included() -> None:
    told = LegacyScene(answering(), rules=(EDITOR,)).ask("GET", "/engines")
    check_legacy("ListEnginesResponse", told.json)
    assert [engine["id"] for engine in told.json["data"]] == ["text-davinci-edit-001", "gpt-4o"]
    assert told.json["data"][1]["owner"] == "system"
    assert dict(told.reply.headers)[b"deprecation"] == b"@1654214400"
    plain = LegacyScene(answering()).ask("GET", "/engines")
    assert [engine["id"] for engine in plain.json["data"]] == ["gpt-4o"]


def test_one_engine_is_one_models_card() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return json_reply({"id": "org/m", "object": "model", "owned_by": "org"})

    scene = LegacyScene(answer, rules=(EDITOR,))
    told = scene.ask("GET", "/engines/org%2Fm")
    check_legacy("Engine", told.json)
    assert (told.json["id"], told.json["owner"]) == ("org/m", "org")
    assert scene.network.paths == ["GET /models/org%2Fm"]
    assert dict(told.reply.headers)[b"link"] == b'</v1/models/org%2Fm>; rel="successor-version"'
    assert scene.ask("GET", "/engines/text-davinci-edit-001").json["id"] == "text-davinci-edit-001"
    assert scene.ask("GET", "/engines/org/m").json["id"] == "org/m"
    assert scene.network.paths[1:] == ["GET /models/org%2Fm"]


def test_an_unknown_engine_is_not_found_by_that_name() -> None:
    gone = error_reply(404, "No such model", param="model", code="model_not_found")
    error = refused(LegacyScene(lambda _: gone), "GET", "/engines/nix")
    assert (error.status, error.param, error.code) == (404, "engine", "model_not_found")
    client = ClientSettings("team", "0" * 64, ("gpt-*",))
    error = refused(LegacyScene(answering()), "GET", "/engines/nix", client=client)
    assert error.param == "engine"


def test_a_completion_at_an_engine_is_one_of_its_model() -> None:
    scene = LegacyScene(answering(json_reply(chat_completion("Hello"))))
    body = {"prompt": "Say hello", "engine": "gpt-4o", "timeout": 20}
    told = scene.ask("POST", "/engines/gpt-4o/completions", body)
    assert told.json["object"] == "text_completion"
    assert (told.json["model"], told.json["choices"][0]["text"]) == ("gpt-4o", "Hello")
    sent = scene.network.bodies()[0]
    assert sent["messages"] == [{"role": "user", "content": "Say hello"}]
    assert not {"engine", "timeout"} & set(sent)
    assert dict(told.reply.headers)[b"link"] == b'</v1/completions>; rel="successor-version"'


def test_a_chat_at_an_engine_streams() -> None:
    chunks = stream_reply(chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(finish="stop"))
    scene = LegacyScene(answering(chunks))
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    told = scene.ask("POST", "/engines/gpt-4o/chat/completions", body)
    assert told.events[-1] == "[DONE]"
    assert told.events[0]["choices"][0]["delta"] == {"content": "Hel"}
    assert scene.network.bodies()[0] == {**body, "model": "gpt-4o"}


def test_a_body_that_names_the_engine_is_passed_on_byte_by_byte() -> None:
    raw = b'{ "model": "gpt-4o", "messages": [] }'
    scene = LegacyScene(answering(json_reply(chat_completion())))
    scene.ask("POST", "/engines/gpt-4o/chat/completions", raw)
    assert scene.network.calls[-1].body == raw


def test_embeddings_at_an_engine_go_to_the_upstream_of_its_model() -> None:
    rule = ModelRule("embed", model="bge-m3", upstream="local")
    reply = json_reply({"object": "list", "data": []})
    scene = LegacyScene(answering(reply), OPENAI, LOCAL, rules=(rule,))
    scene.ask("POST", "/engines/embed/embeddings", {"input": "x", "encoding_format": "base64"})
    call = scene.network.calls[-1]
    assert (call.upstream, call.path) == ("local", "/embeddings")
    sent = scene.network.bodies()[0]
    assert sent == {"input": "x", "encoding_format": "base64", "model": "bge-m3"}
    assert isinstance(call.body, bytes)
    assert call.body_length in (None, len(call.body))


def test_an_edit_at_an_engine_is_an_edit() -> None:
    scene = LegacyScene(answering(json_reply(chat_completion("A week."))), rules=(EDITOR,))
    body = {"input": "A wek.", "instruction": "Fix it"}
    told = scene.ask("POST", "/engines/text-davinci-edit-001/edits", body)
    assert told.json["choices"][0]["text"] == "A week."
    gone = answering(error_reply(404, "The model does not exist", code="model_not_found"))
    error = refused(LegacyScene(gone), "POST", "/engines/code-davinci-edit-001/edits", body)
    assert (error.status, error.param) == (404, "engine")


def test_two_names_for_one_model_are_refused() -> None:
    scene = LegacyScene(answering())
    error = refused(scene, "POST", "/engines/davinci/completions", {"model": "curie"})
    assert isinstance(error, InvalidRequest)
    assert (error.param, scene.network.calls) == ("model", [])


@pytest.mark.parametrize("action", ["completions", "embeddings"])
def test_errors_at_an_engine_name_the_engine(action: str) -> None:
    reply = error_reply(400, "Wrong.", param="model", code="c")
    rule = ModelRule("davinci", endpoints=(Shape.COMPLETIONS,))
    scene = LegacyScene(answering(reply), rules=(rule,))
    told = scene.ask("POST", f"/engines/davinci/{action}", {"prompt": "x"})
    assert told.reply.status == 400
    assert told.json["error"]["param"] == "engine"
    assert told.json["error"]["message"] == "Wrong."
    assert b"content-length" not in dict(told.reply.headers)


@pytest.mark.parametrize("raw", [b"<p>", b"[]", b'{"error": "x"}', b'{"error": {"param": null}}'])
def test_errors_that_name_nothing_stay_as_they_are(raw: bytes) -> None:
    reply = FakeReply(409, ((b"content-type", b"application/json"),), (raw,))
    told = LegacyScene(answering(reply)).ask("POST", "/engines/e/embeddings", {"input": "x"})
    assert (told.reply.status, told.body) == (429, raw)


@pytest.mark.parametrize("action", sorted(engines.REMOVED))
def test_what_engines_no_longer_do_is_explained(action: str) -> None:
    for method in ("GET", "POST"):
        with pytest.raises(UnknownRoute) as caught:
            LegacyScene(answering()).ask(method, f"/engines/ada/{action}")
        assert (caught.value.status, caught.value.code) == (404, "endpoint_removed")
        assert caught.value.message.startswith(f"/v1/engines/ada/{action}: it ")


def test_what_engines_never_did_is_not_found() -> None:
    with pytest.raises(UnknownRoute) as caught:
        LegacyScene(answering()).ask("POST", "/engines/ada/images")
    assert "completions, chat/completions, edits, embeddings" in caught.value.message


def test_a_reply_too_large_to_be_an_error_is_not_read() -> None:
    reply = FakeReply(404, ((b"content-length", b"99999999"),), (b"x" * 100_000,) * 3)
    error = refused(LegacyScene(lambda _: reply), "GET", "/engines/davinci")
    assert isinstance(error, UpstreamError)
    assert reply.closed
    assert reply.delivered == 1


def test_the_gateways_own_key_refused_is_not_shown() -> None:
    own = UpstreamSettings("own", "https://o/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("k"))
    bad = error_reply(401, "Incorrect API key: sk-o*wn")
    error = refused(LegacyScene(lambda _: bad, own, rules=(EDITOR,)), "POST", "/edits", EDIT)
    assert error.code == "upstream_auth_error"


@given(
    st.sampled_from([200, 201, 400, 404, 409, 500]),
    ANY_JSON | almost("choices", "error", "data", "id", "usage"),
)
def test_any_upstream_json_gives_a_valid_reply_or_an_error(status: int, body: Any) -> None:
    try:
        encoded = msgspec.json.encode(body)
    except OverflowError:
        encoded = b"18446744073709551617"
    for method, path, asked, schema in (
        ("POST", "/edits", EDIT, "CreateEditResponse"),
        ("GET", "/engines", None, "ListEnginesResponse"),
        ("GET", "/engines/davinci", None, "Engine"),
    ):
        scene = LegacyScene(lambda _: FakeReply(status, JSON, (encoded,)))
        try:
            told = scene.ask(method, path, asked)
        except GatewayError:
            continue
        assert told.reply.status == 200
        check_legacy(schema, told.json)


def test_a_failed_edit_is_reported_as_an_edit() -> None:
    decision = Decision()
    scene = LegacyScene(answering(error_reply(400, "No.")), rules=(EDITOR,))
    refused(scene, "POST", "/edits", EDIT, decision=decision)
    assert decision.translation == "from=edits; to=chat"
