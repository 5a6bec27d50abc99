"""Edits, engines and other endpoints that are gone, served by those that followed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    UnknownRoute,
)
from gateway.exchange.decision import Decision
from gateway.request import Request
from gateway.shapes import Shape, UpstreamCall
from gateway.translate.legacy import engines
from tests import kinds
from tests.exchange.legacy.test_edits import EDIT, EDITOR
from tests.exchange.legacy_scene import LegacyScene, answering, refused
from tests.exchange.scene import OPENAI, chat_chunk, chat_completion
from tests.fakes import JSON, Answer, FakeReply, error_reply, json_reply, stream_reply
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.upstream_json import ANY_JSON, almost

LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)


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


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_not_an_object_is_refused(body: bytes) -> None:
    for path in ("/edits", "/engines/davinci/completions", "/fine-tunes"):
        assert refused(LegacyScene(answering()), "POST", path, body).code == "invalid_json"


def test_engines_are_the_models_aliases_included() -> None:
    result = LegacyScene(answering(), rules=(EDITOR,)).ask("GET", "/engines")
    check_legacy("ListEnginesResponse", result.json)
    assert [engine["id"] for engine in result.json["data"]] == ["text-davinci-edit-001", "gpt-4o"]
    assert result.json["data"][1]["owner"] == "system"
    assert dict(result.reply.headers)[b"deprecation"] == b"@1654214400"
    unaliased = LegacyScene(answering()).ask("GET", "/engines")
    assert [engine["id"] for engine in unaliased.json["data"]] == ["gpt-4o"]


def test_one_engine_is_one_models_card() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return json_reply({"id": "org/m", "object": "model", "owned_by": "org"})

    scene = LegacyScene(answer, rules=(EDITOR,))
    result = scene.ask("GET", "/engines/org%2Fm")
    check_legacy("Engine", result.json)
    assert (result.json["id"], result.json["owner"]) == ("org/m", "org")
    assert scene.network.paths == ["GET /models/org%2Fm"]
    assert dict(result.reply.headers)[b"link"] == b'</v1/models/org%2Fm>; rel="successor-version"'
    assert scene.ask("GET", "/engines/text-davinci-edit-001").json["id"] == "text-davinci-edit-001"
    assert scene.ask("GET", "/engines/org/m").json["id"] == "org/m"
    assert scene.network.paths[1:] == ["GET /models/org%2Fm"]


def test_an_unknown_engine_is_not_found_by_that_name() -> None:
    gone = error_reply(404, "No such model", param="model", code="model_not_found")
    error = refused(LegacyScene(lambda _: gone), "GET", "/engines/nix")
    assert (error.status, error.param, error.code) == (404, "engine", "model_not_found")
    assert "upstream parameter" not in error.message
    client = ClientSettings("team", ("0" * 64,), ("gpt-*",))
    error = refused(LegacyScene(answering()), "GET", "/engines/nix", client=client)
    assert error.param == "engine"


def test_a_completion_at_an_engine_is_one_of_its_model() -> None:
    scene = LegacyScene(answering(json_reply(chat_completion("Hello"))))
    body = {"prompt": "Say hello", "engine": "gpt-4o", "timeout": 20}
    result = scene.ask("POST", "/engines/gpt-4o/completions", body)
    assert result.json["object"] == "text_completion"
    assert (result.json["model"], result.json["choices"][0]["text"]) == ("gpt-4o", "Hello")
    sent = scene.network.bodies()[0]
    assert sent["messages"] == [{"role": "user", "content": "Say hello"}]
    assert not {"engine", "timeout"} & set(sent)
    assert dict(result.reply.headers)[b"link"] == b'</v1/completions>; rel="successor-version"'
    notes = result.decision.translation
    assert notes.startswith("from=completions; to=chat; dropped=timeout")


@pytest.mark.parametrize(
    ("action", "body", "notes"),
    [
        ("chat/completions", {"messages": []}, "from=chat; to=chat; dropped=timeout"),
        ("embeddings", {"input": "Hi"}, "dropped=timeout"),
        (
            "embeddings",
            {"input": "Hi", "encoding_format": "base64"},
            "dropped=timeout; changed=embedding:float->base64",
        ),
        (
            "edits",
            {"input": "Hi", "instruction": "Shout"},
            "from=edits; to=chat; dropped=timeout",
        ),
    ],
)
def test_what_only_engines_have_is_reported(action: str, body: dict[str, Any], notes: str) -> None:
    embedded = {"object": "list", "data": [{"embedding": [1.0], "index": 0}]}
    reply = embedded if action == "embeddings" else chat_completion()
    scene = LegacyScene(answering(json_reply(reply)))
    result = scene.ask("POST", f"/engines/gpt-4o/{action}", {**body, "timeout": 20})
    assert "timeout" not in scene.network.bodies()[-1]
    assert result.decision.translation == notes


@pytest.mark.parametrize("name", ["engine", "deployment_id", "model"])
def test_another_engine_in_the_body_is_refused_by_its_name(name: str) -> None:
    error = refused(
        LegacyScene(answering()),
        "POST",
        "/engines/gpt-4o/completions",
        {"prompt": "Hi", name: "davinci"},
    )
    assert (error.status, error.param, error.code) == (400, name, "invalid_value")
    assert f"Leave '{name}' out." in error.message


@pytest.mark.parametrize("name", ["org/m", "org%2Fm"])
def test_the_slashes_of_an_engines_name_need_no_escapes(name: str) -> None:
    scene = LegacyScene(answering(json_reply(chat_completion("Hello"))))
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    assert scene.ask("POST", f"/engines/{name}/chat/completions", body).reply.status == 200
    assert scene.network.bodies()[0] == {**body, "model": "org/m"}


def test_a_chat_at_an_engine_streams() -> None:
    chunks = stream_reply(chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(finish="stop"))
    scene = LegacyScene(answering(chunks))
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    result = scene.ask("POST", "/engines/gpt-4o/chat/completions", body)
    assert result.events[-1] == "[DONE]"
    assert result.events[0]["choices"][0]["delta"] == {"content": "Hel"}
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
    result = scene.ask("POST", "/engines/text-davinci-edit-001/edits", body)
    assert result.json["choices"][0]["text"] == "A week."
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
    result = scene.ask("POST", f"/engines/davinci/{action}", {"prompt": "x"})
    assert result.reply.status == 400
    assert result.json["error"]["param"] == "engine"
    assert result.json["error"]["message"] == "Wrong."
    assert b"content-length" not in dict(result.reply.headers)


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
            result = scene.ask(method, path, asked)
        except GatewayError:
            continue
        assert result.reply.status == 200
        check_legacy(schema, result.json)


async def in_pieces(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


def test_a_body_that_was_not_read_is_a_fault_of_the_route() -> None:
    async def scenario() -> None:
        _, handler = LegacyScene(answering()).router.find("POST", "/v1/edits")
        with pytest.raises(TypeError, match="as a whole"):
            await handler(Request("POST", "/edits", body=in_pieces(b"{}")), Decision())

    asyncio.run(scenario())
