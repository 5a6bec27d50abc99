"""Parameters that a rule sets, fills in or drops: for every pair, and reported."""

import itertools
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings
from gateway.config.translation_settings import ParamSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.exchange.params.rule_params import RuleParams, attributed, with_params
from gateway.request import GenerationRequest
from gateway.shapes import ClientHeaders, Json, Shape
from gateway.translate.contract import Report
from tests.exchange.scene import Exchanged, Scene, chat_completion
from tests.exchange.test_fast_paths import REPLIES
from tests.fakes import FakeReply, error_reply, json_reply
from tests.fast.both_streams import BODIES
from tests.fast.codecs.test_completions_via_chat import REPLY as CHAT_REPLY
from tests.fast.stream_events import WORDS, usual
from tests.faults import payloads as faults

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
ALL_PAIRS = list(itertools.product(Shape, Shape))
HELLO: list[Json] = [{"role": "user", "content": "Hi"}]
COMPLETION: Json = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "text": "Hi.", "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
WHOLE = {
    **REPLIES,
    CHAT: CHAT_REPLY,
    COMPLETIONS: COMPLETION,
    Shape.MESSAGES: faults.whole(Shape.MESSAGES),
}


def scene_of(
    params: ParamSettings, home: Shape = CHAT, reply: FakeReply | None = None, **more: Any
) -> Scene:
    answer = json_reply(WHOLE[home]) if reply is None else reply
    return Scene(
        lambda _: answer, rules=(ModelRule("m", endpoints=(home,), params=params),), **more
    )


def changed(params: ParamSettings, shape: Shape, **given: Any) -> tuple[Json, Report]:
    """Return what a client's request becomes, without the model, and the report."""
    body = msgspec.json.encode({"model": "m", **given})
    scene = scene_of(params)
    rules = RuleParams(scene.resolver.rules)
    call, report = rules.report_on(GenerationRequest.at(shape, body), "m")
    sent: Json = msgspec.json.decode(call.body)
    del sent["model"]
    return sent, report


@pytest.mark.parametrize(
    ("params", "given", "sent", "report"),
    [
        (ParamSettings(set={"seed": 1}), {}, {"seed": 1}, "changed=seed:none->1"),
        (ParamSettings(set={"seed": 1}), {"seed": 2}, {"seed": 1}, "changed=seed:2->1"),
        (ParamSettings(set={"seed": 1}), {"seed": 1}, {"seed": 1}, ""),
        (ParamSettings(set={"seed": None}), {"seed": 1}, {"seed": None}, "changed=seed:1->none"),
        (ParamSettings(default={"seed": 1}), {"seed": 2}, {"seed": 2}, ""),
        (ParamSettings(default={"seed": 1}), {"seed": None}, {"seed": 1}, "changed=seed:none->1"),
        (ParamSettings(drop=("user",)), {"user": "u", "n": 1}, {"n": 1}, "dropped=user"),
        (ParamSettings(drop=("user",)), {"n": 1}, {"n": 1}, ""),
        (
            ParamSettings(set={"user": "svc"}),
            {"user": "Alice"},
            {"user": "svc"},
            "changed=user:text->text",
        ),
        (
            ParamSettings(set={"reasoning_effort": "low", "stop": ["a"]}),
            {"reasoning_effort": "high", "stop": "b"},
            {"reasoning_effort": "low", "stop": ["a"]},
            "changed=reasoning_effort:high->low,stop:text->list",
        ),
        (
            ParamSettings(set={"max_tokens": 9}),
            {"max_completion_tokens": 5},
            {"max_tokens": 9},
            "dropped=max_completion_tokens; changed=max_tokens:none->9",
        ),
        (
            ParamSettings(default={"max_tokens": 9}),
            {"max_completion_tokens": 5},
            {"max_completion_tokens": 5},
            "",
        ),
        (
            ParamSettings(default={"metadata": {"team": "a", "app": "b"}}),
            {"metadata": {"app": "c"}},
            {"metadata": {"app": "c", "team": "a"}},
            "changed=metadata.team:none->text",
        ),
        (
            ParamSettings(set={"metadata": {"team": "a"}}),
            {},
            {"metadata": {"team": "a"}},
            "changed=metadata.team:none->text",
        ),
        (
            ParamSettings(set={"metadata": {}}),
            {"metadata": {"team": "a"}},
            {"metadata": {}},
            "changed=metadata:object->object",
        ),
        (
            ParamSettings(set={"response_format": {"type": "json_object"}}),
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            {"response_format": {"type": "json_object"}},
            "changed=response_format:object->object",
        ),
        (
            ParamSettings(default={"response_format": {"type": "json_object"}}),
            {"response_format": {"type": "text"}},
            {"response_format": {"type": "text"}},
            "",
        ),
        (
            ParamSettings(set={"tool_choice": {"type": "function", "function": {"name": "f"}}}),
            {"tool_choice": {"type": "function", "function": {"name": "g"}}},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            "changed=tool_choice.function.name:text->text",
        ),
        (
            ParamSettings(set={"stream_options": {"include_usage": True}}),
            {"stream": True},
            {"stream": True, "stream_options": {"include_usage": True}},
            "changed=stream_options.include_usage:none->true",
        ),
        (ParamSettings(set={"stream_options": {"include_usage": True}}), {}, {}, ""),
    ],
)
def test_what_becomes_of_a_request(
    params: ParamSettings, given: Json, sent: Json, report: str
) -> None:
    assert changed(params, CHAT, **given)[0] == sent
    header = changed(params, CHAT, **given)[1].header()
    assert header == "; ".join(filter(None, ["from=chat; to=chat", report]))


@pytest.mark.parametrize(
    ("path", "given", "sent"),
    [
        ("reasoning.summary", {"effort": "low", "summary": "auto"}, {"effort": "low"}),
        ("reasoning.summary", {"effort": "low"}, {"effort": "low"}),
        ("reasoning.a.b", {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}),
        ("reasoning.a.b", {"a": 1}, {"a": 1}),
        ("reasoning.a.b.c", {"a": 1}, {"a": 1}),
        ("reasoning.effort", None, None),
    ],
)
def test_a_nested_parameter_is_dropped_by_itself(path: str, given: object, sent: object) -> None:
    body, report = changed(ParamSettings(drop=(path,)), RESPONSES, reasoning=given)
    assert body == {"reasoning": sent}
    assert report.dropped == ([path] if given != sent else [])


def test_other_fields_stay_as_the_client_wrote_them() -> None:
    body = b'{ "model": "m",  "messages": [ 1e2 ], "seed":18446744073709551617, "user": "u"}'
    rules = RuleParams(scene_of(ParamSettings(drop=("user",))).resolver.rules)
    headers = ClientHeaders([(b"content-type", b"text/plain")])
    given = GenerationRequest.at(CHAT, body, headers)
    call, _ = rules.report_on(given, "m")
    assert call.body == b'{"model":"m","messages":[ 1e2 ],"seed":18446744073709551617}'
    assert list(call.headers) == [(b"content-type", b"application/json")]
    same, report = rules.report_on(given, "another")
    assert same is given
    assert report.size == 0


def test_a_value_that_cannot_be_read_is_the_clients_fault() -> None:
    scene = scene_of(ParamSettings(set={"seed": 1}))
    with pytest.raises(InvalidRequest):
        scene.generate(CHAT, b'{"model": "m", "messages": [], "seed": 1e999}')


PARAMS = ParamSettings(
    set={"top_p": 0.5}, default={"temperature": 0.2, "max_tokens": 50}, drop=("user",)
)
GIVEN: Json = {"user": "alice", "top_p": 0.9}


def asked(client: Shape, home: Shape, *, stream: bool, fast: bool) -> tuple[Scene, Exchanged]:
    wire = b"".join(usual(home, WORDS))
    events = FakeReply(headers=((b"content-type", b"text/event-stream"),), pieces=(wire,))
    scene = scene_of(
        PARAMS,
        home,
        events if stream else None,
        performance=PerformanceSettings(fast_paths=fast),
    )
    body = {**BODIES[client], "stream": stream, **GIVEN}
    if client is Shape.MESSAGES:
        del body["user"]
    else:
        body.pop("max_tokens", None)
    return scene, scene.generate(client, body)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), ALL_PAIRS)
def test_every_pair_and_delivery_sends_and_reports_them(
    client: Shape, home: Shape, *, stream: bool, fast: bool
) -> None:
    scene, result = asked(client, home, stream=stream, fast=fast)
    assert result.reply.status == 200
    (sent,) = scene.network.bodies()
    assert (sent["temperature"], sent["top_p"], "user" in sent) == (0.2, 0.5, False)
    limits = {"max_tokens", "max_completion_tokens", "max_output_tokens"} & sent.keys()
    header = result.decision.translation
    if client is Shape.MESSAGES:  # where there always is a limit, and no user
        assert [sent[name] for name in limits] == [99]
        assert header.startswith(f"from={client}; to={home}; ")
    else:
        assert [sent[name] for name in limits] == [50]
        assert header.startswith(f"from={client}; to={home}; dropped=user")
    assert "temperature:none->0.2" in header
    assert "top_p:0.9->0.5" in header
    assert header.count("changed=") == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), ALL_PAIRS)
def test_fast_and_generic_paths_agree(client: Shape, home: Shape, *, stream: bool) -> None:
    (one, fast), (other, generic) = (
        asked(client, home, stream=stream, fast=fast) for fast in (True, False)
    )
    assert one.network.bodies() == other.network.bodies()
    assert fast.decision.translation == generic.decision.translation


def test_a_request_that_needs_nothing_goes_out_as_it_came() -> None:
    scene = scene_of(PARAMS)
    body = b'{ "model":"m", "messages": [], "temperature": 1, "top_p": 0.5, "max_tokens": 7 }'
    result = scene.generate(CHAT, body)
    assert scene.network.calls[0].body == body
    assert result.decision.translation == ""


def test_an_effort_that_is_set_moves_the_model_to_another_endpoint() -> None:
    """Routing sees the parameters, too."""
    rule = ModelRule("gpt-5.4-mini", params=ParamSettings(set={"reasoning_effort": "none"}))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for rules in ((), (rule,)):
        scene = Scene(lambda call: json_reply(WHOLE[_shape_of(call.path)]), rules=rules)
        body = {"model": "gpt-5.4-mini", "messages": HELLO, "tools": [tool]}
        result = scene.generate(CHAT, body)
        assert result.decision.shape is (CHAT if rules else RESPONSES)


def _shape_of(path: str) -> Shape:
    return next(shape for shape in Shape if shape.path == path)


def test_a_refusal_is_about_what_is_sent() -> None:
    scene = scene_of(ParamSettings(set={"logit_bias": {"5": 1}}), RESPONSES)
    with pytest.raises(UnsupportedParameter) as raised:
        scene.generate(CHAT, {"model": "m", "messages": HELLO})
    assert raised.value.param == "logit_bias"
    assert raised.value.message.endswith(
        " The gateway's configuration sets this parameter for the model: ask its operator."
    )


@pytest.mark.parametrize(
    ("param", "is_the_rules"),
    [("tools", True), ("tools[0].name", True), ("reasoning", True), ("toolset", False)],
)
def test_an_error_about_what_a_rule_has_set_says_so(param: str, *, is_the_rules: bool) -> None:
    report = Report(CHAT, CHAT)
    report.change("tools", "none", "list")
    report.change("reasoning.effort", "none", "low")
    error = attributed(InvalidRequest("Wrong.", param=param), report)
    assert ("configuration" in error.message) is is_the_rules


def test_an_error_without_a_parameter_is_nobodys() -> None:
    error = InvalidRequest("Wrong.")
    assert attributed(error, Report(CHAT, CHAT)).message == "Wrong."
    assert attributed(InvalidRequest("Wrong.", param="n"), None).message == "Wrong."


def test_null_in_place_of_nothing_changes_nothing() -> None:
    sent, report = changed(ParamSettings(set={"temperature": None}, default={"seed": None}), CHAT)
    assert (sent, report.size) == ({}, 0)


def test_a_parameter_that_is_refused_is_left_out_and_reported_beside_the_others() -> None:
    def answer(call: Any) -> FakeReply:
        if "top_p" in msgspec.json.decode(call.body):
            message = "Unsupported parameter: 'top_p' is not supported with this model."
            return error_reply(400, message, code="unsupported_parameter", param="top_p")
        return json_reply(chat_completion())

    rules = (ModelRule("m", endpoints=(CHAT,), params=PARAMS),)
    result = Scene(answer, rules=rules).generate(
        CHAT, {"model": "m", "messages": HELLO, "user": "alice"}
    )
    assert result.decision.translation == (
        "from=chat; to=chat; dropped=user,top_p; "
        "changed=temperature:none->0.2,max_tokens:none->50,top_p:none->0.5"
    )


def test_the_rule_of_a_redirects_target_counts() -> None:
    rules = (ModelRule("m", endpoints=(CHAT,), params=PARAMS),)
    scene = Scene(lambda _: json_reply(CHAT_REPLY), rules=rules, redirect=(("old", "m"),))
    scene.generate(CHAT, {"model": "old", "messages": HELLO})
    assert scene.network.bodies()[0]["temperature"] == 0.2


def test_reports_are_joined() -> None:
    params = Report(CHAT, CHAT)
    params.drop("user")
    assert with_params("", params, CHAT) == "from=chat; to=chat; dropped=user"
    later = "from=chat; to=responses; dropped=seed; changed=a:1->2; emulated=stop"
    assert with_params(later, params, RESPONSES) == (
        "from=chat; to=responses; dropped=user,seed; changed=a:1->2; emulated=stop"
    )


def test_a_joined_report_is_as_short_as_any() -> None:
    params, later = Report(CHAT, CHAT), Report(CHAT, RESPONSES)
    params.drop("user")
    for number in range(64):
        later.drop(f"messages[{number}].name")
    joined = with_params(later.header(), params, RESPONSES)
    assert joined.startswith("from=chat; to=responses; dropped=user,messages[0].name,")
    assert joined.endswith(".name,...")
    assert joined.count("...") == 1
    assert len(joined.partition("dropped=")[2]) <= 640
