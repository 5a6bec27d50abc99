"""A responses request without a model: a stored prompt, or what it goes on from, brings one."""

from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import OPENAI, Scene, chat_completion
from tests.fakes import Answer, error_reply, json_reply, stream_reply

PROMPT = b'{"prompt": {"id": "pmpt_1"},  "zzz": 1}'
RESTRICTED = ClientSettings("team-a", ("1" * 64,), ("gpt-*",))


def served(call: UpstreamCall) -> Answer:
    assert call.path == "/responses"
    if isinstance(call.body, bytes) and b'"stream"' in call.body:
        return stream_reply({"type": "response.completed", "response": {"model": "gpt-x"}})
    return json_reply({"id": "resp_1", "model": "gpt-x"})


def test_it_goes_untouched_to_the_default_upstream() -> None:
    other = UpstreamSettings("other", "http://127.0.0.1:1/v1", kinds.VLLM)
    stage = Scene(served, OPENAI, other)
    result = stage.generate(Shape.RESPONSES, PROMPT)
    assert result.json == {"id": "resp_1", "model": "gpt-x"}
    (call,) = stage.network.calls
    assert (call.upstream, call.body) == ("openai", PROMPT)
    decision = result.decision
    assert (decision.upstream, decision.resolved_by, decision.attempts) == ("openai", "default", 1)
    assert decision.translation == ""


@pytest.mark.parametrize("model", [b"null", None])
def test_a_stream_goes_untouched_too(model: Any) -> None:
    named = b'"model": null, ' if model else b""
    body = b'{%b"conversation": "conv_1", "stream": true}' % named
    result = Scene(served).generate(Shape.RESPONSES, body)
    assert result.events[0]["response"] == {"model": "gpt-x"}


def test_an_upstreams_error_is_relayed() -> None:
    stage = Scene(lambda _: error_reply(404, "Prompt not found."))
    result = stage.generate(Shape.RESPONSES, PROMPT)
    assert (result.reply.status, result.json["error"]["message"]) == (404, "Prompt not found.")


def test_a_refused_key_of_the_gateways_own_is_its_own_fault() -> None:
    keyed = UpstreamSettings(
        "up", "http://127.0.0.1:1/v1", credential=CredentialPolicy.KEY, api_key=Secret("k")
    )
    with pytest.raises(GatewayError) as raised:
        Scene(lambda _: error_reply(401, "No."), keyed).generate(Shape.RESPONSES, PROMPT)
    assert (raised.value.status, raised.value.code) == (502, "upstream_auth_error")


def test_a_restricted_client_must_name_its_model() -> None:
    stage = Scene(served)
    with pytest.raises(PermissionDenied) as refused:
        stage.generate(Shape.RESPONSES, PROMPT, client=RESTRICTED)
    assert (refused.value.status, refused.value.param) == (403, "model")
    assert stage.network.calls == []


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])
def test_elsewhere_a_model_is_needed(shape: Shape) -> None:
    with pytest.raises(InvalidRequest, match="you must provide a model"):
        Scene(served).generate(shape, b'{"prompt": "x", "messages": []}')


@pytest.mark.parametrize("model", [b'""', b"3", b"[]"])
def test_a_bad_name_is_none(model: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Scene(served).generate(Shape.RESPONSES, b'{"model": %b}' % model)
    assert refused.value.param == "model"


def test_a_kept_conversation_brings_its_model() -> None:
    rules = (ModelRule("m", endpoints=(Shape.CHAT,)),)
    stage = Scene(lambda _: json_reply(chat_completion()), rules=rules, stores=True)
    first = stage.generate(Shape.RESPONSES, {"model": "m", "input": "Hi"}).json
    body = {"previous_response_id": first["id"], "input": "Again"}
    second = stage.generate(Shape.RESPONSES, body)
    assert second.json["model"] == "m"
    sent = msgspec.json.decode(stage.network.calls[-1].body)  # type: ignore[arg-type]
    assert [message["content"] for message in sent["messages"]] == ["Hi", "Hello", "Again"]


def test_nothing_that_is_sealed_goes_upstream() -> None:
    stage = Scene(served)
    seal = stage.seals.of((), None)
    content = {"kind": "turn", "upstream": "openai", "message": {}, "calls": {}}
    thought = {"type": "reasoning", "summary": [], "encrypted_content": seal.close(content)}
    body = {"prompt": {"id": "pmpt_1"}, "input": [thought, {"role": "user", "content": "x"}]}
    result = stage.generate(Shape.RESPONSES, body, headers=())
    sent = msgspec.json.decode(stage.network.calls[-1].body)  # type: ignore[arg-type]
    assert sent == {"prompt": {"id": "pmpt_1"}, "input": [{"role": "user", "content": "x"}]}
    assert result.decision.translation == "from=responses; to=responses; dropped=input[0]"
