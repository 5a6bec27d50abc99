from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from gateway.config.translation_settings import TemplateSettings
from gateway.errors import GatewayError, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.chat_via_completions.cases import (
    LENIENT,
    completion,
    context,
    legacy_logprobs,
    outcome,
    translated,
)

TRANSCRIPT = TemplateSettings("transcript")


def test_a_completion_becomes_a_chat_completion() -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
    reply = translated({}).reply(
        [completion({"text": " Hi\n"}, usage=usage, system_fingerprint="fp_1")]
    )
    assert reply == {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1_690_000_000,
        "model": "base",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": " Hi\n",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": usage,
        "system_fingerprint": "fp_1",
    }
    ChatCompletion.model_validate(reply, strict=True)


def test_what_the_upstream_leaves_out_is_filled_in_or_left_out() -> None:
    reply = translated({}).reply([{"choices": [{"text": "Hi"}]}])
    assert reply["id"] == "chatcmpl-" + "f" * 32
    assert reply["created"] == 1_700_000_000
    assert not {"usage", "system_fingerprint", "moderation"} & set(reply)


def test_a_usage_without_a_total_gets_one() -> None:
    counts = {"prompt_tokens": 4, "completion_tokens": 2}
    reply = translated({}).reply([completion({"text": "Hi"}, usage=counts)])
    assert reply["usage"] == {**counts, "total_tokens": 6}
    assert ChatCompletion.model_validate(reply, strict=True).usage


def test_the_upstreams_model_name_can_be_kept() -> None:
    reply = translated({}, context(echo_model="upstream")).reply([completion({"text": ""})])
    assert reply["model"] == "acme/base-7b"


def test_leading_white_space_is_the_templates() -> None:
    reply = translated({}, context(template=TRANSCRIPT)).reply([completion({"text": "\n Hi \n"})])
    assert reply["choices"][0]["message"]["content"] == "Hi \n"


def test_a_continued_message_keeps_its_white_space() -> None:
    body = {
        "messages": [{"role": "assistant", "content": "Hi,"}],
        "continue_final_message": True,
    }
    reply = translated(body, context(template=TRANSCRIPT)).reply([completion({"text": " Bob"})])
    assert reply["choices"][0]["message"]["content"] == " Bob"


@pytest.mark.parametrize(
    ("text", "finish", "content", "reason"),
    [
        ("Hi STOP x", "length", "Hi ", "stop"),
        ("Hi", "length", "Hi", "length"),
        ("Hi", "content_filter", "Hi", "content_filter"),
        ("Hi", "eos_token", "Hi", "stop"),
        ("Hi", None, "Hi", "stop"),
        ("", "stop", "", "stop"),
        (None, "length", "", "length"),
        ("STOP", "error", "", "stop"),
    ],
)
def test_the_finish_reason_is_the_upstreams_or_that_of_a_stop_found_here(
    text: str | None, finish: str | None, content: str, reason: str
) -> None:
    of = context(replace(LENIENT, stop=False))
    reply = translated({"stop": "STOP"}, of).reply(
        [completion({"text": text, "finish_reason": finish})]
    )
    choice = reply["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, reason)


@pytest.mark.parametrize("finish", ["abort", "error", "weird", None])
def test_a_generation_that_failed_is_an_error(finish: str | None) -> None:
    with pytest.raises(UpstreamError):
        translated({}).reply([completion({"text": "", "finish_reason": finish})])


def test_logprobs_are_converted_and_trimmed_to_the_requested_number() -> None:
    choice = {"text": "Hi", "logprobs": legacy_logprobs("Hi")}
    for top in (0, 1):
        translation = translated({"logprobs": True, "top_logprobs": top})
        logprobs = translation.reply([completion(choice)])["choices"][0]["logprobs"]
        entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
        assert logprobs == {
            "content": [{**entry, "top_logprobs": [entry] * top}],
            "refusal": None,
        }


def test_logprobs_that_the_client_did_not_ask_for_are_left_out() -> None:
    choice = {"text": "Hi", "logprobs": legacy_logprobs("Hi")}
    assert translated({}).reply([completion(choice)])["choices"][0]["logprobs"] is None


def test_logprobs_in_the_chat_shape_of_llama_cpp_are_accepted() -> None:
    entry = {"id": 9, "token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    choice = {"text": "Hi", "logprobs": {"content": [entry]}}
    logprobs = translated({"logprobs": True}).reply([completion(choice)])["choices"][0]["logprobs"]
    assert logprobs["content"][0].keys() == {"token", "logprob", "bytes", "top_logprobs"}


def test_logprobs_of_stripped_and_of_cut_text_are_left_out() -> None:
    tokens = ["\n", " Hi", " you", "\nUser", ":"]
    choice = {"text": "".join(tokens), "logprobs": legacy_logprobs(*tokens)}
    of = context(replace(LENIENT, max_stops=1), TRANSCRIPT)
    reply = translated({"logprobs": True}, of).reply([completion(choice)])["choices"][0]
    assert reply["message"]["content"] == "Hi you"
    assert [entry["token"] for entry in reply["logprobs"]["content"]] == [" Hi", " you"]


def test_too_few_choices_are_an_error_whose_advice_is_for_those_who_asked_for_several() -> None:
    whole = completion({"index": 0, "text": "a", "finish_reason": "stop"})
    with pytest.raises(UpstreamError) as refused:
        translated({"n": 2}).reply([whole])
    assert refused.value.message.endswith(
        "it has 1 of 2 choices. Set 'n' to 1 if its server does not support more."
    )
    empties: list[Json] = [{}, {"choices": []}]
    for empty in empties:
        with pytest.raises(UpstreamError) as refused:
            translated({}).reply([empty])
        assert refused.value.message.endswith("not a completion: it has 0 of 1 choices.")


def test_choices_come_in_the_order_of_their_indexes() -> None:
    reply = translated({"n": 2}).reply(
        [completion({"index": 1, "text": "b"}, {"index": 0, "text": "a"})]
    )
    shown = [(c["index"], c["message"]["content"]) for c in reply["choices"]]
    assert shown == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("indexes", [(0, 0), (None, None), (5, True)])
def test_choices_without_usable_indexes_keep_their_order(indexes: tuple[object, object]) -> None:
    choices = [{"index": i, "text": text} for i, text in zip(indexes, "ab", strict=True)]
    reply = translated({"n": 2}).reply([completion(*choices)])
    shown = [(c["index"], c["message"]["content"]) for c in reply["choices"]]
    assert shown == [(0, "a"), (1, "b")]


def test_choices_that_were_not_asked_for_are_left_out() -> None:
    reply = translated({}).reply([completion({"text": "a"}, {"text": "b"})])
    assert [c["message"]["content"] for c in reply["choices"]] == ["a"]


def test_too_few_choices_are_an_error() -> None:
    with pytest.raises(UpstreamError, match="1 of 2 choices"):
        translated({"n": 2}).reply([completion({"text": "a"})])


def test_several_calls_become_one_reply() -> None:
    translation = translated({"n": 2}, context(replace(LENIENT, n=False)))
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    reply = translation.reply(
        [
            completion({"text": "a"}, usage=usage),
            completion({"text": "b"}, usage=usage, system_fingerprint="fp_2"),
        ]
    )
    assert reply["id"] == "chatcmpl-" + "f" * 32
    shown = [(c["index"], c["message"]["content"]) for c in reply["choices"]]
    assert shown == [(0, "a"), (1, "b")]
    assert reply["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    assert reply["system_fingerprint"] == "fp_2"


def test_usage_is_unknown_if_that_of_one_call_is() -> None:
    translation = translated({"n": 2}, context(replace(LENIENT, n=False)))
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    replies = [completion({"text": "a"}, usage=usage), completion({"text": "b"})]
    assert "usage" not in translation.reply(replies)


def test_a_missing_reply_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="answered 0 of 1"):
        translated({}).reply([])


def test_moderation_results_are_kept_if_they_were_asked_for() -> None:
    results = {"input": {"type": "moderation_results"}}
    reply = completion({"text": "a"}, moderation=results)
    assert translated({"moderation": {"model": "m"}}).reply([reply])["moderation"] == results
    assert "moderation" not in translated({}).reply([reply])


def test_an_error_in_a_200_body_is_raised_in_the_clients_words() -> None:
    error = {"message": "too long", "type": "invalid_request_error", "param": "prompt", "code": 400}
    with pytest.raises(UpstreamReplied) as caught:
        translated({}).reply([{"error": error}])
    assert caught.value.status == 400
    assert caught.value.envelope()["error"] == {
        "message": "too long (upstream parameter: prompt).",
        "type": "invalid_request_error",
        "param": "messages",
        "code": None,
    }


def test_an_error_about_a_parameter_of_the_same_name_is_raised_as_it_is() -> None:
    with pytest.raises(UpstreamReplied) as caught:
        translated({"seed": 1}).reply([{"error": {"message": "no seed", "param": "seed"}}])
    assert caught.value.message == "no seed"
    assert caught.value.param == "seed"


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"choices": None},
        {"choices": {}},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{"text": 1}]},
        {"choices": [{"text": "x", "logprobs": {"tokens": 1}}]},
    ],
)
def test_what_is_not_a_completion_is_an_error(reply: Json) -> None:
    with pytest.raises(UpstreamError):
        translated({"logprobs": True}).reply([reply])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CHOICES = st.lists(
    JSON
    | st.fixed_dictionaries(
        {}, optional={"index": JSON, "text": JSON, "logprobs": JSON, "finish_reason": JSON}
    ),
    max_size=3,
)
REPLIES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "created": JSON,
        "model": JSON,
        "choices": CHOICES | JSON,
        "usage": JSON,
        "system_fingerprint": JSON,
        "moderation": JSON,
        "error": JSON,
    },
)


@given(st.lists(REPLIES, min_size=2, max_size=2))
def test_any_json_as_reply_gives_a_chat_completion_or_an_upstream_error(
    replies: list[Json],
) -> None:
    body = {"n": 2, "logprobs": True, "stop": ["a", "b"], "moderation": {"model": "m"}}
    of = context(replace(LENIENT, n=False, max_stops=1))
    reply = outcome(lambda: translated(body, of).reply(replies))
    if isinstance(reply, GatewayError):
        assert 400 <= reply.status <= 599
    else:
        ChatCompletion.model_validate({**reply, "usage": None, "moderation": None}, strict=True)


@pytest.mark.parametrize("field", ["delta", "message"])
def test_a_text_may_be_where_chat_has_it(field: str) -> None:
    pieces: list[Json] = [
        {field: {"role": "assistant"}},
        {field: {"role": "assistant", "content": "Hel"}},
        {field: {"content": "lo", "tool_calls": None}},
        {field: {"content": None}},
        {field: None, "finish_reason": "stop"},
    ]
    stream = translated({"stream": True}).stream()
    events = [out for piece in pieces for out in stream.feed(0, {"choices": [piece]})]
    events += stream.end(0)
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in events) == "Hello"
    whole = {"choices": [{field: {"role": "assistant", "content": "Hello"}}]}
    assert translated({}).reply([whole])["choices"][0]["message"]["content"] == "Hello"
    # Its own place counts.
    both = {"choices": [{field: {"content": "Hello"}, "text": "Hello"}]}
    assert translated({}).reply([both])["choices"][0]["message"]["content"] == "Hello"
