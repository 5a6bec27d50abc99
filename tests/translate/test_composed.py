"""Two translations in a row: what each pair's own tests cannot see, because it is between them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    TruncatedStream,
    UnsupportedParameter,
    UpstreamError,
    UpstreamReplied,
)
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate import chat_via_responses, completions_via_chat
from gateway.translate.composed import compose
from gateway.translate.contract import Context, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from tests import kinds
from tests.translate.openai_schema import check_schema
from tests.translate.sealing import OpenSeal

COMPLETIONS, RESPONSES = Shape.COMPLETIONS, Shape.RESPONSES
F = {"type": "function", "name": "f", "parameters": {}}
USAGE = {
    "input_tokens": 4,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 6,
}


def context(home: Shape, kind: Profile = kinds.OPENAI, **settings: Any) -> Context:
    return Context(
        "asked",
        "sent",
        settings=replace(TranslationSettings(), **settings),
        capabilities=preset(kind, home),
    )


def to_responses(of: Context | None = None, /, **body: Any) -> Translation:
    """Translate a completions request for a model that lives at responses."""
    asked = {"model": "asked", "prompt": "Hi", **body}
    translation = plan(COMPLETIONS, RESPONSES, asked, of or context(RESPONSES))
    for call in translation.calls:
        check_schema("CreateResponse", call)
    return translation


def to_completions(of: Context | None = None, /, **body: Any) -> Translation:
    """Translate a responses request for a model that lives at completions."""
    asked = {"model": "asked", "input": "Hi", **body}
    translation = plan(RESPONSES, COMPLETIONS, asked, of or context(COMPLETIONS))
    for call in translation.calls:
        check_schema("CreateCompletionRequest", call)
    return translation


def response(text: str, **more: Any) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "sent-1",
        "output": [{**message, "content": [part]}],
        "usage": USAGE,
        **more,
    }


def stream_of(text: str) -> list[Json]:
    """The events of one response that says a text, a character at a time."""
    whole = response(text)
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {**whole["output"][0], "status": "in_progress", "content": []}
    return [
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        *({"type": "response.output_text.delta", **at, "delta": each} for each in text),
        {"type": "response.completed", "response": whole},
    ]


def failed_response(param: str) -> Json:
    error = {"message": "Not this.", "type": "invalid_request_error", "param": param, "code": "x"}
    return {"error": error}


# --- requests ----------------------------------------------------------------------------------


def test_each_prompt_and_candidate_is_one_call_in_order() -> None:
    translation = to_responses(prompt=["one", "two"], n=2, max_tokens=50)
    said = [call["input"][0]["content"] for call in translation.calls]
    assert said == ["one", "one", "two", "two"]
    assert {call["max_output_tokens"] for call in translation.calls} == {50}
    assert translation.report.header() == "from=completions; to=responses; emulated=prompt,n"
    assert translation.local_reply() is None


def test_what_needs_no_call_is_answered_and_reported_as_the_pair_it_is() -> None:
    translation = to_responses(prompt=["one", "two"], max_tokens=0)
    assert translation.calls == []
    reply = translation.local_reply()
    assert reply is not None
    assert [choice["text"] for choice in reply["choices"]] == ["", ""]
    header = translation.report.header()
    assert header == "from=completions; to=responses; emulated=prompt,max_tokens"


def test_both_reports_are_merged_under_the_clients_names() -> None:
    dropping = context(RESPONSES, on_unsupported="drop")
    report = to_responses(dropping, max_tokens=4, seed=3, stop=["x"], logit_bias={"1": 2}).report
    assert report.dropped == ["logit_bias", "seed"]
    assert report.changed == ["max_tokens:4->16"]
    assert report.emulated == ["stop"]
    options = {"reasoning": {"effort": "low"}, "text": {"verbosity": "low"}, "store": True}
    report = to_completions(**options).report
    assert report.dropped == ["store", "reasoning.effort", "text.verbosity"]
    assert report.changed == ["max_output_tokens:none->1024"]
    assert (report.source, report.target) == (RESPONSES, COMPLETIONS)


def test_a_change_of_every_call_is_sent_once() -> None:
    report = to_responses(prompt=["one", "two", "three"], max_tokens=4).report
    assert report.changed == ["max_tokens:4->16"]


@pytest.mark.parametrize("home", [COMPLETIONS, Shape.CHAT, RESPONSES])
@pytest.mark.parametrize(
    "asked",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        {"output_config": {"effort": "max"}},
        {"thinking": {"type": "enabled", "budget_tokens": 20000}, "temperature": 0.5},
    ],
)
def test_no_parameter_is_both_dropped_and_changed(home: Shape, asked: Json) -> None:
    body = {"model": "asked", "max_tokens": 30000, **asked}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    for known in (context(home), context(home, kinds.VLLM)):
        report = plan(Shape.MESSAGES, home, body, known).report
        for _ in range(2):
            changed = [entry.partition(":")[0] for entry in report.changed]
            assert len({*changed, *report.dropped}) == len([*changed, *report.dropped])


def test_what_is_changed_twice_is_one_change() -> None:
    able = replace(preset(kinds.VLLM, COMPLETIONS), reasoning_effort=True, efforts=None)
    body: Json = {"model": "asked", "max_tokens": 30000}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    body["thinking"] = {"type": "enabled", "budget_tokens": 2000}
    translation = compose(_changing("low"), _changing("high"), body, _able(able), COMPLETIONS)
    for _ in range(2):
        assert translation.report.changed == ["effort:2000->high", "n:1->2"]


def _able(able: Capabilities) -> Context:
    return replace(context(COMPLETIONS), capabilities=able)


def _changing(word: str) -> Any:
    """Return a translation that reports a change of the effort: from 2000 to low, or on."""

    def translate(_body: Json, of: Context) -> Translation:
        made = completions_via_chat.translate({"model": "m", "prompt": "Hi", "max_tokens": 9}, of)
        made.report.changed.clear()
        made.report.change("effort", "2000" if word == "low" else "low", word)
        made.report.change("n", 1, 2)
        return made

    return translate


def test_earlier_reasoning_that_no_prompt_can_hold_is_reported() -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
    }
    translation = to_completions(input=[reasoning, {"role": "user", "content": "Hi"}])
    assert "input[0]" in translation.report.dropped
    assert "Hm." not in translation.calls[0]["prompt"]


def test_what_the_system_says_later_is_reported_under_the_clients_names() -> None:
    said = {"role": "user", "content": "Hi"}
    late = {"role": "developer", "content": "Be brief."}
    asked = to_completions(instructions="Be kind.", input=[said, late, said])
    assert "input[1]:in its place->first" in asked.report.changed
    messages = [said, {"role": "system", "content": "Be brief."}]
    body = {"model": "asked", "max_tokens": 9, "system": "Be kind.", "messages": messages}
    (entry,) = plan(Shape.MESSAGES, COMPLETIONS, body, context(COMPLETIONS)).report.changed
    assert entry == "messages[1]:in its place->first"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [{"type": "function", "name": "f", "parameters": {}}]}, "tools"),
        (
            {
                "input": [
                    {"role": "user", "content": "x"},
                    {"type": "additional_tools", "tools": [F]},
                ]
            },
            "input[1].tools",
        ),
        ({"text": {"format": {"type": "json_object"}}}, "text.format"),
        ({"moderation": {"model": "omni-moderation-latest"}}, "moderation"),
        (
            {
                "input": [
                    {"role": "user", "content": "x"},
                    {
                        "role": "user",
                        "content": [{"type": "input_image", "image_url": "https://a.test/b.png"}],
                    },
                ]
            },
            "input[1].content[0]",
        ),
        ({"include": ["message.output_text.logprobs"], "top_logprobs": 9}, "top_logprobs"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
    ],
)
def test_what_completions_cannot_do_is_refused_under_the_clients_name(
    body: Json, param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        to_completions(**body)
    assert refused.value.param == param
    assert f"'{param}'" in refused.value.message
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"suffix": "end"}, "suffix"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"prompt": ["fine", 3]}, "prompt"),
    ],
)
def test_what_responses_cannot_do_is_refused_under_the_clients_name(body: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        to_responses(**body)
    assert refused.value.param == param


def test_a_refusal_names_the_endpoint_that_the_model_really_has() -> None:
    for translate, body, home in (
        (to_responses, {"suffix": "end"}, "responses"),
        (to_responses, {"prompt": None}, "responses"),
        (to_responses, {"logprobs": 1, "echo": True}, "responses"),
        (to_completions, {"include": ["message.output_text.logprobs"]}, "completions"),
    ):
        unable = replace(Capabilities(), logprobs=False)
        with pytest.raises(InvalidRequest) as refused:
            translate(Context("asked", "sent", capabilities=unable), **body)
        assert f"{home} endpoint" in refused.value.message
        assert "chat endpoint" not in refused.value.message


def test_reasoning_that_a_prompt_never_gives_is_not_promised_sealed() -> None:
    sealing = replace(context(COMPLETIONS), seal=OpenSeal())
    translation = to_completions(sealing, include=["reasoning.encrypted_content"])
    assert "include[reasoning.encrypted_content]" in translation.report.dropped


def test_a_refusal_keeps_its_kind_code_and_status() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        to_completions(text={"format": {"type": "json_object"}})
    assert refused.value.code == "unsupported_parameter"
    assert "text.format" in refused.value.message
    assert "response_format" not in refused.value.message


def test_the_best_cannot_be_chosen_where_there_are_no_logprobs() -> None:
    of = context(RESPONSES)
    blind = of.with_capabilities(replace(of.capabilities, logprobs=False))
    for settings in (TranslationSettings(), TranslationSettings(on_unsupported="drop")):
        with pytest.raises(InvalidRequest) as refused:
            to_responses(replace(blind, settings=settings), best_of=3)
        assert refused.value.param == "best_of"


def test_extensions_cross_both_where_the_server_takes_them() -> None:
    (call,) = to_completions(context(COMPLETIONS, kinds.VLLM), top_k=4).calls
    assert call["top_k"] == 4
    with pytest.raises(InvalidRequest) as refused:
        to_completions(top_k=4)
    assert refused.value.param == "top_k"


# --- replies -----------------------------------------------------------------------------------


def test_replies_are_folded_per_prompt_then_together() -> None:
    translation = to_responses(prompt=["one", "two"], n=2, max_tokens=50)
    reply = translation.reply([response(text) for text in ("a", "b", "c", "d")])
    check_schema("CreateCompletionResponse", reply)
    assert [choice["text"] for choice in reply["choices"]] == ["a", "b", "c", "d"]
    # A prompt's tokens count once, however many calls generate its choices.
    assert reply["usage"]["prompt_tokens"] == 8
    assert reply["usage"]["completion_tokens"] == 8


def test_a_missing_reply_is_not_a_short_reply() -> None:
    translation = to_responses(n=2)
    with pytest.raises(UpstreamError):
        translation.reply([response("a")])


def test_an_error_in_a_whole_reply_names_the_clients_parameter() -> None:
    translation = to_responses(prompt=["one", "two"])
    with pytest.raises(UpstreamReplied) as failed:
        translation.reply([response("a"), failed_response("input[0].content")])
    assert failed.value.param == "prompt[1]"
    translation = to_completions(max_output_tokens=20)
    with pytest.raises(UpstreamReplied) as failed:
        translation.reply([failed_response("max_tokens")])
    assert failed.value.param == "max_output_tokens"


def test_the_clients_name_of_an_upstream_parameter() -> None:
    translation = to_responses(prompt=["one", "two"], n=2, max_tokens=50)
    assert translation.client_param(0, "input[0].content") == "prompt[0]"
    assert translation.client_param(3, "input[0].content") == "prompt[1]"
    assert translation.client_param(3, "max_output_tokens") == "max_tokens"
    assert translation.client_param(0, "reasoning.effort") is None
    assert translation.client_param(0, None) is None
    translation = to_completions()
    assert translation.client_param(0, "max_tokens") == "max_output_tokens"
    assert translation.client_param(0, "prompt") == "input"


# --- streams -----------------------------------------------------------------------------------


def fold(translation: Translation, streams: list[list[Json]]) -> list[Json]:
    """Feed the streams of all calls, event by event in turn, to the end."""
    stream = translation.stream()
    events: list[Json] = []
    for step in range(max(len(each) for each in streams)):
        for call, each in enumerate(streams):
            if step < len(each) and not stream.satisfied(call):
                events += stream.feed(call, each[step])
    for call in range(len(streams)):
        events += stream.end(call)
    return events


def texts(events: list[Json]) -> dict[int, str]:
    said: dict[int, str] = {}
    for event in events:
        for choice in event["choices"]:
            said[choice["index"]] = said.get(choice["index"], "") + choice["text"]
    return said


@given(st.lists(st.text(alphabet="abc \n", min_size=1, max_size=8), min_size=4, max_size=4))
def test_streams_say_what_whole_replies_say(said: list[str]) -> None:
    asked: Json = {"prompt": ["one", "two"], "n": 2, "stop": ["\n", "cab"], "stream": True}
    events = fold(to_responses(**asked), [stream_of(text) for text in said])
    whole = to_responses(**asked).reply([response(text) for text in said])
    assert texts(events) == {choice["index"]: choice["text"] for choice in whole["choices"]}
    finishes = [
        choice["index"]
        for event in events
        for choice in event["choices"]
        if choice["finish_reason"]
    ]
    assert sorted(finishes) == [0, 1, 2, 3]


def test_a_stop_sequence_ends_its_call_only() -> None:
    translation = to_responses(prompt=["one", "two"], stop=["!"], stream=True)
    stream = translation.stream()
    for event in stream_of("a!b")[:4]:
        stream.feed(0, event)
    assert stream.satisfied(0)
    assert not stream.satisfied(1)
    assert stream.feed(0, stream_of("a!b")[4]) == []
    stream.end(0)
    for event in stream_of("c"):
        stream.feed(1, event)
    stream.end(1)


def test_nothing_follows_the_end_that_the_outer_translation_has_found() -> None:
    """The last character and the inner end come as several chat chunks; the first is enough."""
    stream = to_responses(stop=["!"], stream=True).stream()
    *_, whole = stream_of("ab!cd")
    events = stream.feed(0, stream_of("ab!cd")[0]) + stream.feed(0, whole) + stream.end(0)
    assert texts(events) == {0: "ab"}
    assert [choice["finish_reason"] for event in events for choice in event["choices"]][
        -1
    ] == "stop"


def test_usage_that_is_wanted_is_waited_for() -> None:
    asked: Json = {"stop": ["!"], "stream": True, "stream_options": {"include_usage": True}}
    events = fold(to_responses(**asked), [stream_of("ab!cd")])
    assert texts(events) == {0: "ab"}
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] == 6


@pytest.mark.parametrize("cut", range(len(stream_of("abc")) - 1))
def test_a_stream_that_is_cut_off_is_truncated(cut: int) -> None:
    stream = to_responses(stream=True).stream()
    for event in stream_of("abc")[: cut + 1]:
        stream.feed(0, event)
    with pytest.raises(TruncatedStream):
        stream.end(0)


def test_an_error_in_a_stream_names_the_clients_parameter() -> None:
    stream = to_responses(prompt=["one", "two"], stream=True).stream()
    with pytest.raises(UpstreamReplied) as failed:
        stream.feed(1, {"type": "error", **failed_response("input[0].content")})
    assert failed.value.param == "prompt[1]"


def test_the_client_gets_an_error_in_its_own_shape() -> None:
    error = GatewayError("Broken.", code="broken")
    assert to_responses(stream=True).stream().fail(error) == [error.envelope()]
    kinds = [event["type"] for event in to_completions(stream=True).stream().fail(error)]
    assert kinds[-2:] == ["error", "response.failed"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"suffix": "x"}, "suffix"),
        ({"logprobs": 1, "echo": True}, "logprobs"),
        ({"logprobs": 1}, "logprobs"),
        ({"best_of": 2}, "best_of"),
    ],
)
@pytest.mark.parametrize("home", [RESPONSES, Shape.MESSAGES])
def test_errors_name_the_models_endpoint_never_the_pivot(
    home: Shape, body: Json, param: str
) -> None:
    able = replace(preset(kinds.OPENAI, RESPONSES), logprobs=False)
    asked = {"model": "asked", "prompt": "Hi", **body}
    with pytest.raises(InvalidRequest) as caught:
        plan(COMPLETIONS, home, asked, Context("asked", "sent", capabilities=able))
    assert caught.value.param == param
    assert f"{home} endpoint" in caught.value.message
    assert "chat" not in caught.value.message


LOGPROBS = {"include": ["message.output_text.logprobs"]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [{"type": "function", "name": "f"}]}, "tools"),
        ({"input": [{"type": "computer_call"}]}, "input[0]"),
        ({"input": [{"type": "web_search_call"}]}, "input[0]"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        (LOGPROBS, "include"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0]",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "u"}]}]},
            "input[0].content[0]",
        ),
        (
            {"input": [{"role": "system", "content": [{"type": "input_image", "image_url": "u"}]}]},
            "input[0].content[0]",
        ),
    ],
)
def test_errors_name_the_completions_endpoint_never_the_pivot(body: Json, param: str) -> None:
    able = replace(preset(kinds.OPENAI, COMPLETIONS), logprobs=False)
    settings = TranslationSettings(hosted_tools="auto" if "tool_choice" in body else "refuse")
    with pytest.raises(InvalidRequest) as caught:
        to_completions(Context("asked", "sent", settings, able), **body)
    assert caught.value.param == param
    assert "completions endpoint" in caught.value.message
    assert "chat" not in caught.value.message


def test_the_pivot_knows_of_the_backend_what_cannot_be_emulated() -> None:
    weak = Capabilities(n=False, stop=False, seed=False, logprobs=True, max_top_logprobs=3)
    of = Context("asked", "sent", capabilities=weak)
    seen: list[Capabilities] = []

    def outer(body: Json, of_pivot: Context) -> Translation:
        seen.append(of_pivot.capabilities)
        return completions_via_chat.translate(body, of_pivot)

    compose(outer, chat_via_responses.translate, {"model": "asked", "prompt": "Hi"}, of, RESPONSES)
    (pivot,) = seen
    assert pivot.n
    assert not pivot.stop
    assert pivot.seed
    assert pivot.max_top_logprobs == 3
    assert pivot.reasoning_field is None


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aaaa"}}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aaaa"}
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


@pytest.mark.parametrize(
    ("client", "field", "turns", "param", "own"),
    [
        (Shape.MESSAGES, "messages", [IMAGE], "messages[0].content[0]", "image"),
        (
            Shape.MESSAGES,
            "messages",
            [{"type": "text", "text": "a"}, {"type": "document", "source": PDF}],
            "messages[0].content[1]",
            "document",
        ),
        (
            RESPONSES,
            "input",
            [{"type": "input_image", "image_url": "http://a/b.png"}],
            "input[0].content[0]",
            "input_image",
        ),
    ],
)
def test_a_part_that_a_base_model_does_not_take_has_the_clients_type(
    client: Shape, field: str, turns: list[Json], param: str, own: str
) -> None:
    body = {"model": "asked", "max_tokens": 5, field: [{"role": "user", "content": turns}]}
    if client is RESPONSES:
        del body["max_tokens"]
    with pytest.raises(UnsupportedParameter, match=rf" is of type '{own}', but") as caught:
        plan(client, COMPLETIONS, body, context(COMPLETIONS))
    assert caught.value.param == param


def test_a_part_in_a_tools_result_has_it_too() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]}
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [result]},
    ]
    body = {"model": "asked", "max_tokens": 5, "messages": turns}
    with pytest.raises(UnsupportedParameter, match=" is of type 'image', but") as caught:
        plan(Shape.MESSAGES, COMPLETIONS, body, context(COMPLETIONS))
    assert caught.value.param == "messages[2].content[0].content[0]"


@pytest.mark.parametrize("path", ["", "messages", "messages[9]", "messages[0].x.y", "none[0]"])
def test_a_part_that_is_not_found_keeps_the_type_that_was_said(path: str) -> None:
    def outer(_: Json, of: Context) -> Translation:
        return plan(Shape.CHAT, Shape.CHAT, {"messages": []}, of)

    def inner(_: Json, __: Context) -> Translation:
        raise InvalidRequest("It is of type 'odd'.", param=path or None)

    body: Json = {"messages": [{"role": "user"}]}
    with pytest.raises(InvalidRequest, match="of type 'odd'"):
        compose(outer, inner, body, context(COMPLETIONS), COMPLETIONS)


def test_advice_for_tools_at_a_base_model_names_other_endpoints() -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}}
    turns = [{"role": "user", "content": "Hi"}]
    body = {"model": "asked", "max_tokens": 5, "messages": turns, "tools": [tool]}
    with pytest.raises(UnsupportedParameter, match="with a chat, responses or messages endpoint"):
        plan(Shape.MESSAGES, COMPLETIONS, body, context(COMPLETIONS))
