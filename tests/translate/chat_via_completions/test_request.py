import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TemplateSettings
from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.chat_via_completions import translate
from gateway.translate.schema.chat import CHAT_PARAMETERS
from tests.translate.chat_via_completions.cases import HELLO, call_of, context, outcome, translated


def test_the_template_follows_from_the_models_name() -> None:
    call = call_of({}, context(template=None))
    assert call["prompt"] == "User: hello\nAssistant:"
    assert call["stop"] == ["\nUser:", "\nSystem:"]


def test_fields_that_say_nothing_are_not_in_the_prompt() -> None:
    said: Json = {"role": "assistant", "content": "Hi."}
    blank: Json = {"refusal": "", "name": "", "function_call": {"name": "", "arguments": ""}}
    plain: list[Json] = [*HELLO, said, *HELLO]
    filled: list[Json] = [*HELLO, {**said, **blank}, *HELLO]
    assert call_of({"messages": filled}) == call_of({"messages": plain})


@pytest.mark.parametrize("role", ["system", "developer"])
def test_what_the_system_says_later_is_reported_as_moved(role: str) -> None:
    late = {"role": role, "content": "Be brief."}
    translation = translated({"messages": [*HELLO, late, *HELLO, late]})
    assert translation.calls[0]["prompt"].startswith("Be brief.\n\nBe brief.\n\nUser: hello")
    assert translation.report.changed[:2] == [
        "messages[1]:in its place->first",
        "messages[3]:in its place->first",
    ]
    kept = translated({"messages": [*HELLO, late]}, context(template=TemplateSettings("chatml")))
    assert not any("place" in entry for entry in kept.report.changed)


FULL: Json = {
    "max_tokens": 9,
    "logprobs": True,
    "top_logprobs": 2,
    "stop": ["a", "b", "a", "c"],
    "safety_identifier": "s",
    "seed": 1,
    "n": 2,
    "stream": True,
    "stream_options": {"include_usage": True},
}


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        (None, None),
        ("", None),
        ("prompt", "messages"),
        ("prompt[0]", "messages"),
        ("max_tokens", "max_tokens"),
        ("logprobs", "top_logprobs"),
        ("stop", "stop"),
        ("stop[1]", "stop[1]"),
        ("stop[2]", "stop[3]"),
        ("stop[3]", None),
        ("stop[x]", "stop"),
        ("stop[" + "9" * 5000 + "]", "stop"),
        ("user", "safety_identifier"),
        ("seed", "seed"),
        ("n", "n"),
        ("stream_options.include_usage", "stream_options.include_usage"),
        ("temperature", None),
        ("best_of", None),
    ],
)
def test_an_upstream_parameter_gets_the_clients_name(
    upstream: str | None, client: str | None
) -> None:
    template = TemplateSettings("raw", stop=("T",))
    assert translated(FULL, context(template=template)).client_param(0, upstream) == client


@pytest.mark.parametrize(
    ("body", "upstream", "client"),
    [
        ({}, "max_tokens", "max_completion_tokens"),
        ({"max_completion_tokens": 4}, "max_tokens", "max_completion_tokens"),
        ({"logprobs": True}, "logprobs", "logprobs"),
        ({}, "logprobs", None),
        ({"user": "u", "safety_identifier": "s"}, "user", "user"),
        ({}, "user", None),
        ({}, "stop", None),
        ({}, "stop[0]", None),
        ({"stop": "a"}, "stop[0]", "stop"),
        ({"stop": "a"}, "stop[1]", None),
        ({"top_k": 1}, "top_k", "top_k"),
    ],
)
def test_the_clients_name_is_the_one_it_used(body: Json, upstream: str, client: str | None) -> None:
    assert translated(body).client_param(0, upstream) == client


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PLAUSIBLE = st.fixed_dictionaries(
    {"messages": st.just(HELLO)},
    optional={
        "stop": st.text() | st.lists(st.text(), max_size=6),
        "n": st.integers(0, 4),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 6),
        "max_tokens": st.integers(0, 9),
        "stream": st.booleans(),
    },
)


@given(
    st.dictionaries(st.sampled_from([*CHAT_PARAMETERS, "echo", "top_k"]), VALUES, max_size=3),
    PLAUSIBLE,
    st.sampled_from(["refuse", "drop"]),
)
def test_any_request_is_translated_or_refused_with_an_envelope(
    odd: Json, plausible: Json, policy: str
) -> None:
    translation = outcome(lambda: translate({**odd, **plausible}, context(on_unsupported=policy)))
    if isinstance(translation, GatewayError):
        assert translation.status == 400
        assert translation.param
        return
    for call in translation.calls:
        assert isinstance(call["prompt"], str)
        assert not {"best_of", "echo", "suffix", "messages"} & set(call)
        assert None not in call.values()
    translation.report.header().encode("ascii")
