"""What becomes of parameters that a model does not take: known beforehand, or by a refusal."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter
from gateway.exchange.attempt import Attempts
from gateway.servers import Profile
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import (
    OPENAI,
    TODAY,
    Exchanged,
    Scene,
    chat_chunk,
    chat_completion,
    completion,
)
from tests.fakes import Answer, error_reply, json_reply, stream_reply

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
HELLO = [{"role": "user", "content": "Hi"}]
REASONER = "gpt-5.4-mini"
VLLM = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM)
TUNING = {"temperature": 0, "top_p": 0.5, "presence_penalty": 0.6, "frequency_penalty": 0.1}
SAID = [
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
    }
]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": [],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}


def server(*refused: str, text: str = "one stop two") -> Callable[[UpstreamCall], Answer]:
    """Answer as a chat server whose model takes none of the parameters."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        for name in refused:
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return error_reply(400, message, param=name, code="unsupported_parameter")
        if call.path == "/responses":
            return json_reply(RESPONSE)
        if call.path == "/completions":
            return json_reply(completion(text))
        if body.get("stream"):
            pieces = [chat_chunk(text[i : i + 3]) for i in range(0, len(text), 3)]
            return stream_reply(*pieces, chat_chunk(finish="stop"))
        return json_reply(chat_completion(text))

    return answer


def sent(scene: Scene) -> list[Json]:
    return [body for body in scene.network.bodies() if isinstance(body, dict) and "model" in body]


def header(result: Exchanged) -> bytes:
    return dict(result.decision.headers()).get(b"x-gateway-translation", b"")


def test_what_the_catalogue_knows_is_left_out_before_the_first_call() -> None:
    scene = Scene(server(), OPENAI)
    asked = {"model": REASONER, "messages": HELLO, **TUNING, "max_tokens": 5}
    result = scene.generate(CHAT, asked)
    assert result.decision.attempts == 1
    assert sent(scene) == [{"model": REASONER, "messages": HELLO, "max_completion_tokens": 5}]
    assert header(result) == (
        b"from=chat; to=chat; dropped=temperature,top_p,presence_penalty,frequency_penalty;"
        b" changed=max_tokens->max_completion_tokens"
    )
    # The reply is still the upstream's own.
    assert result.json["model"] == "served-model"


@pytest.mark.parametrize(
    ("shape", "model"),
    [(COMPLETIONS, REASONER), (CHAT, REASONER), (CHAT, "gpt-5-codex"), (RESPONSES, "gpt-5-codex")],
)
def test_a_temperature_costs_one_call_at_any_endpoint(shape: Shape, model: str) -> None:
    scene = Scene(server(), OPENAI)
    bodies: dict[Shape, Json] = {
        COMPLETIONS: {"prompt": "Hi"},
        CHAT: {"messages": HELLO},
        RESPONSES: {"input": "Hi"},
    }
    result = scene.generate(shape, {"model": model, "temperature": 0, **bodies[shape]})
    assert result.decision.attempts == 1
    assert "temperature" not in sent(scene)[0]
    assert b"dropped=temperature" in header(result)


@pytest.mark.parametrize("kind", [kinds.MISTRAL, kinds.GEMINI], ids=str)
@pytest.mark.parametrize("streamed", [True, False])
def test_what_a_server_refuses_of_all_models_costs_no_call(kind: Profile, streamed: bool) -> None:
    scene = Scene(server("seed"), UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind))
    asked = {"model": "m", "messages": HELLO, "stream": streamed}
    result = scene.generate(CHAT, {**asked, "seed": 7})
    assert (result.reply.status, result.decision.attempts) == (200, 1)
    assert (sent(scene), header(result)) == ([asked], b"from=chat; to=chat; dropped=seed")
    without = scene.generate(CHAT, asked)
    assert (sent(scene)[-1], header(without)) == (asked, b"")


def test_a_request_in_which_nothing_is_to_be_changed_goes_out_as_it_is() -> None:
    scene = Scene(server(), OPENAI)
    raw = b'{"model": "gpt-5.4-mini",  "messages": [], "temperature": 1, "stop": null}'
    result = scene.generate(CHAT, raw)
    assert (scene.network.calls[-1].body, header(result)) == (raw, b"")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
def test_stop_is_emulated_at_chats_own_endpoint(known: bool, streamed: bool) -> None:
    refused = () if known else ("stop",)
    scene = Scene(server(*refused), OPENAI if known else VLLM)
    asked = {"model": REASONER if known else "m", "messages": HELLO, "stop": [" stop", "x"]}
    for attempts in (1 if known else 2, 1):
        result = scene.generate(CHAT, {**asked, "stream": streamed})
        assert result.decision.attempts == attempts
        assert b"emulated=stop" in header(result)
        if streamed:
            deltas = [event["choices"][0] for event in result.events[:-1]]
            assert "".join(c["delta"].get("content", "") for c in deltas) == "one"
            assert [c["finish_reason"] for c in deltas][-1] == "stop"
            assert result.events[-1] == "[DONE]"
        else:
            (choice,) = result.json["choices"]
            assert (choice["message"]["content"], choice["finish_reason"]) == ("one", "stop")
        assert "stop" not in sent(scene)[-1]


def test_a_stop_that_is_refused_is_emulated_by_a_translation() -> None:
    scene = Scene(server("stop"), OPENAI)
    asked = {"model": "gpt-4o-mini", "prompt": "Hi", "stop": " stop", "temperature": 0}
    for attempts in (2, 1):
        result = scene.generate(COMPLETIONS, asked)
        assert (result.json["choices"][0]["text"], result.decision.attempts) == ("one", attempts)
        assert b"emulated=stop" in header(result)
    assert sent(scene)[-1]["temperature"] == 0


def test_more_stops_than_vllm_takes_are_looked_for_beside_it() -> None:
    scene = Scene(server(), VLLM)
    asked = {"model": "m", "messages": HELLO, "stop": ["a1", "b1", "c1", "d1", " stop"]}
    result = scene.generate(CHAT, asked)
    assert result.json["choices"][0]["message"]["content"] == "one"
    assert sent(scene)[-1]["stop"] == ["a1", "b1", "c1", "d1"]


def test_a_choice_count_that_is_refused_is_asked_for_one_by_one() -> None:
    scene = Scene(server("n"), OPENAI)
    for attempts in (2, 1):
        result = scene.generate(COMPLETIONS, {"model": "gpt-4o-mini", "prompt": "Hi", "n": 2})
        assert [choice["index"] for choice in result.json["choices"]] == [0, 1]
        assert result.decision.attempts == attempts
    own = scene.generate(CHAT, {"model": "gpt-4o-mini", "messages": HELLO, "n": 2})
    assert (own.reply.status, own.decision.attempts) == (400, 1)
    assert own.json["error"]["param"] == "n"


@pytest.mark.parametrize(
    ("shape", "asked", "param"),
    [
        (COMPLETIONS, {"prompt": "Hi", "logprobs": 1}, "logprobs"),
        (COMPLETIONS, {"prompt": "Hi", "best_of": 2}, "best_of"),
        (COMPLETIONS, {"prompt": "Hi", "logit_bias": {"5": 1}}, "logit_bias"),
        (CHAT, {"messages": HELLO, "logprobs": True, "top_logprobs": 2}, "logprobs"),
        (CHAT, {"messages": HELLO, "logit_bias": {"5": 1}}, "logit_bias"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_is_asked_for_is_refused_by_its_name_and_never_taken_out(
    shape: Shape, asked: Json, param: str, known: bool
) -> None:
    # The model of the catalogue, or an unknown one whose server refuses it.
    model = "gpt-5" if known else "gpt-4o-mini"
    scene = Scene(server(*(() if known else ("logprobs", "logit_bias"))), OPENAI)
    with pytest.raises(UnsupportedParameter) as refused:
        scene.generate(shape, {"model": model, **asked})
    assert (refused.value.param, refused.value.status) == (param, 400)
    assert len(sent(scene)) == (0 if known else 1)
    dropping = Scene(
        server(*(() if known else ("logprobs", "logit_bias"))),
        OPENAI,
        translation=TranslationSettings(on_unsupported="drop"),
    )
    if param != "best_of":
        result = dropping.generate(shape, {"model": model, **asked})
        assert result.reply.status == 200
        assert f"dropped={param}".encode() in header(result)


def test_a_refusal_at_responses_of_what_that_endpoint_does_not_have_is_relayed() -> None:
    scene = Scene(server("stop"), OPENAI)
    result = scene.generate(RESPONSES, {"model": "gpt-5-codex", "input": "Hi", "stop": "x"})
    assert (result.reply.status, result.decision.attempts) == (400, 1)
    assert result.json["error"]["param"] == "stop"


@pytest.mark.parametrize("name", ["tools", "response_format"])
def test_a_refusal_of_what_is_asked_for_is_relayed(name: str) -> None:
    scene = Scene(server(name), VLLM)
    result = scene.generate(CHAT, {"model": "m", "messages": HELLO, name: {"type": "json_object"}})
    assert (result.reply.status, result.decision.attempts) == (400, 1)
    assert result.json["error"]["param"] == name


def test_effort_and_verbosity_are_not_sent_to_an_old_model() -> None:
    scene = Scene(server(), OPENAI)
    asked = {"model": "gpt-3.5-turbo", "messages": HELLO}
    result = scene.generate(CHAT, {**asked, "reasoning_effort": "low", "verbosity": "low"})
    assert (sent(scene), result.decision.attempts) == ([asked], 1)
    assert header(result).endswith(b"dropped=reasoning_effort,verbosity")


def test_what_was_fixed_concerns_only_requests_that_have_it() -> None:
    scene = Scene(server("user"), VLLM)
    assert (
        scene.generate(CHAT, {"model": "m", "messages": HELLO, "user": "u"}).decision.attempts == 2
    )
    raw = b'{"model": "m",  "messages": []}'
    result = scene.generate(CHAT, raw)
    assert (scene.network.calls[-1].body, header(result)) == (raw, b"")


def test_an_alias_is_served_alike() -> None:
    rules = (ModelRule("gpt-3.5-turbo", model=REASONER),)
    scene = Scene(server(), OPENAI, rules=rules)
    asked = {"model": "gpt-3.5-turbo", "messages": HELLO, "stop": [" stop"], **TUNING}
    result = scene.generate(CHAT, {**asked, "max_tokens": 1000})
    assert result.json["choices"][0]["message"]["content"] == "one"
    assert result.json["model"] == "gpt-3.5-turbo"
    assert result.decision.attempts == 1


def test_a_temperature_stays_with_the_effort_none() -> None:
    scene = Scene(server(), OPENAI)
    asked = {"model": REASONER, "messages": HELLO, "temperature": 0, "reasoning_effort": "none"}
    assert header(scene.generate(CHAT, asked)) == b""
    assert sent(scene) == [asked]


P50K = TranslationSettings(tokenizer="p50k_base")


def aliased(alias: str, model: str, **more: Any) -> Scene:
    rules = (ModelRule(alias, model=model, **more),)
    scene = Scene(server(), OPENAI, rules=rules)
    ways = {("p50k_base", "o200k_base"): {5: 105}.get}
    detokenize = {"p50k_base": lambda tokens: "".join(map(chr, tokens))}
    scene.exchange.attempts = Attempts(scene.settings, lambda: TODAY, detokenize, ways)
    return scene


@pytest.mark.parametrize(
    ("alias", "model", "shape"),
    [
        ("text-davinci-003", "gpt-4o-mini", COMPLETIONS),
        ("text-davinci-003", "gpt-5-codex", COMPLETIONS),
        ("text-davinci-003", "davinci-002", COMPLETIONS),
        ("gpt-3.5-turbo", "gpt-4o-mini", CHAT),
        ("gpt-3.5-turbo", "gpt-5.4-mini", CHAT),
    ],
)
def test_biases_of_another_vocabulary_are_never_passed_as_they_are(
    alias: str, model: str, shape: Shape
) -> None:
    asked: Json = {"prompt": "Hi"} if shape is COMPLETIONS else {"messages": HELLO}
    scene = aliased(alias, model)
    with pytest.raises(UnsupportedParameter) as refused:
        scene.generate(shape, {"model": alias, **asked, "logit_bias": {"6": 10}})
    assert refused.value.param == "logit_bias"
    assert sent(scene) == []
    ended = "50256" if shape is COMPLETIONS else "100257"
    result = scene.generate(shape, {"model": alias, **asked, "logit_bias": {ended: -100}})
    assert "logit_bias" not in sent(scene)[0]
    assert b"dropped=logit_bias" in header(result)


def test_biases_are_mapped_where_each_has_its_counterpart() -> None:
    scene = aliased("text-davinci-003", "gpt-4o-mini", translation=P50K)
    asked = {"model": "text-davinci-003", "prompt": "Hi", "logit_bias": {"5": 10, "50256": -100}}
    result = scene.generate(COMPLETIONS, asked)
    assert sent(scene)[0]["logit_bias"] == {"105": 10}
    assert b"dropped=logit_bias.50256" in header(result)
    assert b"changed=logit_bias:p50k_base->o200k_base" in header(result)
    with pytest.raises(UnsupportedParameter):
        scene.generate(COMPLETIONS, {**asked, "logit_bias": {"6": 10}})


def test_biases_for_the_model_itself_and_for_unknown_names_pass() -> None:
    biases = {"model": "gpt-4o-mini", "messages": HELLO, "logit_bias": {"5": 10}}
    scene = Scene(server(), OPENAI)
    scene.generate(CHAT, biases)
    assert sent(scene) == [biases]
    scene = aliased("my-bot", "gpt-4o-mini")
    scene.generate(CHAT, {**biases, "model": "my-bot"})
    assert sent(scene)[0]["logit_bias"] == {"5": 10}


def test_a_local_model_has_another_vocabulary_than_the_name_that_it_goes_by() -> None:
    rules = (ModelRule("gpt-3.5-turbo", model="m"),)
    scene = Scene(server(), VLLM, rules=rules)
    with pytest.raises(UnsupportedParameter):
        scene.generate(CHAT, {"model": "gpt-3.5-turbo", "messages": HELLO, "logit_bias": {"5": 1}})


def test_a_prompt_of_ids_becomes_text_for_a_model_of_another_vocabulary() -> None:
    asked = {"model": "text-davinci-003", "prompt": [72, 105]}
    scene = aliased("text-davinci-003", "davinci-002", translation=P50K)
    result = scene.generate(COMPLETIONS, asked)
    assert (sent(scene)[0]["prompt"], header(result).count(b"emulated=prompt")) == ("Hi", 1)
    with pytest.raises(UnsupportedParameter) as refused:
        aliased("text-davinci-003", "davinci-002").generate(COMPLETIONS, asked)
    assert refused.value.param == "prompt"
    same = aliased("davinci-002", "babbage-002")
    same.generate(COMPLETIONS, {**asked, "model": "davinci-002"})
    assert sent(same)[0]["prompt"] == [72, 105]


@pytest.mark.parametrize("client", [Shape.COMPLETIONS, Shape.RESPONSES])
def test_what_a_refusal_has_taught_is_reported_on_every_pair(client: Shape) -> None:
    home = Shape.RESPONSES if client is Shape.COMPLETIONS else Shape.COMPLETIONS
    asked: Json = {"prompt": "Hi"} if client is Shape.COMPLETIONS else {"input": "Hi"}

    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if b'"temperature"' in call.body:
            text = "Unsupported parameter: 'temperature' is not supported with this model."
            return error_reply(400, text, param="temperature", code="unsupported_parameter")
        return json_reply(
            completion("Hi") if home is Shape.COMPLETIONS else {**RESPONSE, "output": SAID}
        )

    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:9/v1", kinds.OTHER)
        scene = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(home,)),))
        for attempts in (2, 1):
            result = await scene.call(client, {"model": "m", "temperature": 0.5, **asked})
            assert result.decision.attempts == attempts
            assert "dropped=temperature" in result.decision.translation

    asyncio.run(scenario())
