"""The parameters of messages requests that mean the same at both of OpenAI's endpoints."""

from typing import Any

import pytest

from gateway.servers.profile import Profile
from gateway.shapes import Json, Shape
from tests import kinds
from tests.translate.messages_prepared import TARGETS, context, prepared, refused
from tests.translate.messages_requests import asked

STRICT: Json = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
LOOSE: Json = {**STRICT, "required": []}
DROPS = {"on_unsupported": "drop"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["container", "fallbacks", "mcp_servers"])
def test_what_changes_who_answers_is_refused(name: str, target: Shape) -> None:
    body = asked(**{name: [{"x": 1}]})
    assert refused(body, target=target).param == name
    sent = prepared(body, context(target, settings=DROPS), target)
    assert sent.report.dropped == [name]
    assert prepared(asked(**{name: []}), target=target).report.size == 0


@pytest.mark.parametrize("target", TARGETS)
def test_a_conversation_that_is_kept_at_anthropic_is_always_refused(target: Shape) -> None:
    body = asked(thread="thread_1")
    assert refused(body, context(target, settings=DROPS), target).param == "thread"


@pytest.mark.parametrize("target", TARGETS)
def test_so_many_stop_sequences_are_looked_for_and_no_more(target: Shape) -> None:
    stops = [f"s{number}" for number in range(65)]
    assert (
        len(prepared(asked(stop_sequences=stops[:64]), target=target).options.stop_sequences) == 64
    )
    error = refused(asked(stop_sequences=stops), target=target)
    assert (error.param, error.code) == ("stop_sequences", "array_above_max_length")


@pytest.mark.parametrize("target", TARGETS)
def test_sampling_parameters_are_sent(target: Shape) -> None:
    body = asked(temperature=0.5, top_p=0.9, top_k=40)
    sent = prepared(body, target=target)
    assert (sent.call["temperature"], sent.call["top_p"]) == (0.5, 0.9)
    assert sent.report.dropped == ["top_k"]
    sent = prepared(body, context(target, kinds.VLLM), target)
    assert sent.call["top_k"] == 40
    assert sent.report.size == 0


@pytest.mark.parametrize(
    ("effort", "sent"), [({"type": "disabled"}, {"temperature"}), ({"type": "adaptive"}, set())]
)
def test_some_models_take_them_without_reasoning_only(effort: Json, sent: set[str]) -> None:
    of = context(able={"sampling_needs_effort_none": True})
    made = prepared(asked(temperature=0.5, thinking=effort), of)
    assert made.call.keys() & {"temperature"} == sent
    assert (made.report.dropped == ["temperature"]) is not bool(sent)


@pytest.mark.parametrize("target", TARGETS)
def test_unknown_fields_beside_the_effort_are_reported(target: Shape) -> None:
    body = asked(
        thinking={"type": "adaptive", "zzz": 1},
        output_config={"task_budget": {"total": 5}, "zzz": 1},
    )
    assert prepared(body, target=target).report.dropped == [
        "thinking.zzz",
        "output_config.zzz",
        "output_config.task_budget",
    ]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("thinking", "dropped"),
    [
        ({"type": "zz"}, ["type"]),
        ({"type": "between_tools"}, ["type"]),
        ({"type": "adaptive", "display": "zz"}, ["display"]),
        ({"type": "zz", "display": "zz"}, ["type", "display"]),
        ({"type": "adaptive", "display": "omitted"}, []),
        ({"type": "adaptive", "budget_tokens": 5000}, ["budget_tokens"]),
        ({"type": "disabled", "display": "summarized"}, []),
    ],
)
def test_thinking_that_nothing_else_can_say_is_reported(
    thinking: Json, dropped: list[str], target: Shape
) -> None:
    sent = prepared(asked(thinking=thinking), target=target)
    assert sent.report.dropped == [f"thinking.{name}" for name in dropped]


def form_of(call: Json, target: Shape) -> Json:
    if target is Shape.CHAT:
        return {"type": "json_schema", **call["response_format"]["json_schema"]}
    form: Json = call["text"]["format"]
    return form


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"output_config": {"format": {"type": "json_schema", "schema": STRICT}}}, "output_config"),
        ({"output_format": {"type": "json_schema", "schema": STRICT}}, "output_format"),
    ],
)
def test_a_schema_is_strict_where_it_is_strict_already(
    parameters: Any, path: str, target: Shape
) -> None:
    sent = prepared(asked(**parameters), target=target)
    expected = {"type": "json_schema", "name": "output", "schema": STRICT, "strict": True}
    assert form_of(sent.call, target) == expected
    assert sent.report.size == 0
    param = "response_format.json_schema.schema" if target is Shape.CHAT else "text.format.schema"
    assert sent.named(param) in (f"{path}.format.schema", f"{path}.schema")


@pytest.mark.parametrize("target", TARGETS)
def test_a_schema_is_never_rewritten(target: Shape) -> None:
    form = {"type": "json_schema", "schema": LOOSE, "zzz": 1}
    sent = prepared(asked(output_config={"format": form}, output_format=form), target=target)
    assert form_of(sent.call, target)["schema"] == LOOSE
    assert form_of(sent.call, target).get("strict", False) is False
    assert sent.report.changed == ["output_config.format:strict->not strict"]
    assert sent.report.dropped == ["output_format", "output_config.format.zzz"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_schema_is_refused_where_none_is_taken(target: Shape) -> None:
    able = {"json_schema": False}
    body = asked(output_config={"format": {"type": "json_schema", "schema": STRICT}})
    assert refused(body, context(target, able=able), target).param == "output_config.format"
    sent = prepared(body, context(target, able=able, settings=DROPS), target)
    assert sent.report.dropped == ["output_config.format"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_stream_is_asked_for_as_the_client_does(target: Shape) -> None:
    assert "stream" not in prepared(asked(), target=target).call
    assert prepared(asked(stream=True), target=target).call["stream"] is True
    unknown = context(target, kinds.OTHER)
    assert prepared(asked(), unknown, target).call["stream"] is False


@pytest.mark.parametrize("target", TARGETS)
def test_parameters_that_anthropic_does_not_have_follow_the_policy(target: Shape) -> None:
    error = refused(asked(zzz=1), target=target)
    assert error.param == "zzz"
    assert error.message.startswith("zzz: Extra inputs are not permitted")
    own = {"n": 1, "stop": [], "max_completion_tokens": 5, "store": True, "betas": ["x"]}
    own |= {"max_output_tokens": 5}
    sent = prepared(asked(zzz=1, seed=5, **own), context(target, kinds.VLLM), target)
    assert (sent.call["zzz"], sent.call["seed"]) == (1, 5)
    assert sent.report.dropped[:2] == ["store", "betas"]
    assert not {"n", "stop"} & {*sent.call, *sent.report.dropped}
    name = "max_completion_tokens" if target is Shape.CHAT else "max_output_tokens"
    assert name in sent.report.dropped
    assert sent.call.get("store") in (None, False)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("stop", ["a"]),
        ("stop", "a"),
        ("logprobs", True),
        ("response_format", {"type": "json_object"}),
        ("functions", [{"name": "f"}]),
        ("modalities", ["text", "audio"]),
        ("previous_response_id", "resp_1"),
        ("instructions", "Be kind."),
        ("n", {"odd": []}),
    ],
)
def test_what_asks_for_something_is_not_left_out_in_silence(
    target: Shape, name: str, value: Any
) -> None:
    for kind in (kinds.OTHER, kinds.OPENAI):
        error = refused(asked(**{name: value}), context(target, kind), target)
        assert (error.param, error.code) == (name, "unsupported_parameter")
        assert error.message.startswith(f"'{name}' is not supported")
        for settings in (DROPS, {"extra_params": "drop"}):
            dropping = context(target, kind, settings=settings)
            sent = prepared(asked(**{name: value}), dropping, target)
            assert name in sent.report.dropped
            assert sent.call.get(name) is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1),
        ("stop", ""),
        ("response_format", {"type": "text"}),
        ("logprobs", False),
        ("function_call", "auto"),
    ],
)
def test_what_asks_for_nothing_fails_at_no_server(target: Shape, name: str, value: Any) -> None:
    for kind in (kinds.OTHER, kinds.OPENAI):
        sent = prepared(asked(**{name: value}), context(target, kind), target)
        assert sent.call.get(name) is None
        assert not sent.report.dropped


TUNING: Json = {
    "seed": 5,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.25,
    "verbosity": "low",
    "user": "u",
}


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.VLLM])
@pytest.mark.parametrize("target", TARGETS)
def test_what_tunes_a_reply_is_sent_where_it_is_taken(target: Shape, kind: Profile) -> None:
    able = {"seed": True, "penalties": True, "verbosity": True}
    sent = prepared(asked(**TUNING), context(target, kind, able=able), target)
    verbosity = {"verbosity": "low"}
    place = verbosity if target is Shape.CHAT else {"text": verbosity}
    others = {name: value for name, value in TUNING.items() if name != "verbosity"}
    assert {**sent.call, **others, **place} == sent.call
    assert sent.report.size == 0
    assert sent.named("verbosity" if target is Shape.CHAT else "text.verbosity") == "verbosity"
    assert sent.named("seed") == "seed"


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.VLLM])
@pytest.mark.parametrize("target", TARGETS)
def test_what_tunes_a_reply_never_fails_a_request(target: Shape, kind: Profile) -> None:
    able = {"seed": False, "penalties": False, "verbosity": False}
    sent = prepared(asked(**TUNING), context(target, kind, able=able), target)
    assert not TUNING.keys() & sent.call.keys() - {"user"}
    assert sent.call["user"] == "u"
    assert set(sent.report.dropped) == TUNING.keys() - {"user"}
    neutral = {"presence_penalty": 0, "frequency_penalty": 0, "verbosity": "medium"}
    assert not prepared(asked(**neutral), context(target, kind, able=able), target).report.dropped


@pytest.mark.parametrize("target", TARGETS)
def test_a_policy_that_is_configured_holds_for_what_tunes_a_reply(target: Shape) -> None:
    for name, value in TUNING.items():
        body = asked(**{name: value})
        error = refused(body, context(target, settings={"extra_params": "refuse"}), target)
        assert error.param == name
        for policy, is_sent in (("pass", True), ("drop", False)):
            sent = prepared(body, context(target, settings={"extra_params": policy}), target)
            assert (name in sent.call) is is_sent
            assert sent.report.dropped == ([] if is_sent else [name])
