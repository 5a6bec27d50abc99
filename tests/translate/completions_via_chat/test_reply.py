"""Whole replies."""

from typing import Any

import pytest
from openai.types import Completion

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.contract import Translation
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.completions_via_chat.chat_backend import (
    FRESH_ID,
    NOW,
    asking,
    choice,
    completion,
    entry,
    make_context,
    usage,
)

ONE_BY_ONE = Capabilities(n=False)


def replied(translation: Translation, *replies: Json) -> Json:
    """Return the reply, once the official client's model has accepted it."""
    reply = translation.reply(replies)
    Completion.model_validate(reply, strict=True)
    return reply


def first(translation: Translation, *replies: Json) -> Json:
    """Return the first choice of the reply."""
    part: Json = replied(translation, *replies)["choices"][0]
    return part


def test_a_chat_reply_becomes_a_completions_reply() -> None:
    assert replied(asking(), completion(choice(" upon a time"))) == {
        "id": "cmpl-7",
        "object": "text_completion",
        "created": 1_600_000_000,
        "model": "asked",
        "choices": [
            {"index": 0, "text": " upon a time", "logprobs": None, "finish_reason": "stop"}
        ],
        "usage": usage(),
    }


def test_model_is_upstreams_where_the_operator_wants_that() -> None:
    context = make_context(settings=TranslationSettings(echo_model="upstream"))
    assert replied(asking(context), completion(choice("x")))["model"] == "sent-0613"


def test_missing_identity_is_made_up() -> None:
    reply = replied(asking(), {"choices": [choice("x")]})
    assert (reply["id"], reply["created"], reply["model"]) == ("cmpl-" + FRESH_ID, NOW, "asked")
    assert "usage" not in reply


def test_system_fingerprint_is_kept() -> None:
    reply = replied(asking(), completion(choice("x"), system_fingerprint="fp_1"))
    assert reply["system_fingerprint"] == "fp_1"


def test_fields_that_completions_do_not_have_are_left_out() -> None:
    reply = replied(
        asking(),
        completion(
            choice("x", annotations=[], audio=None, reasoning_content="hm", refusal=None),
            service_tier="default",
            prompt_logprobs=None,
        ),
    )
    assert set(reply) == {"id", "object", "created", "model", "choices", "usage"}
    assert set(reply["choices"][0]) == {"index", "text", "logprobs", "finish_reason"}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "\n\nA"}, "\n\nA"),
        ({"content": None}, ""),
        ({"content": "", "refusal": "No."}, "No."),
        ({"content": None, "refusal": "No."}, "No."),
        ({"content": "A", "refusal": "No."}, "A"),
        ({}, ""),
        ({"content": None, "reasoning_content": "hm", "reasoning": "hm"}, ""),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "A"},
                    {"type": "text", "text": "B"},
                    "C",
                    None,
                    {"type": "output_text", "text": "D"},
                ]
            },
            "ABCD",
        ),
    ],
)
def test_text_is_the_visible_text_untouched(message: Json, text: str) -> None:
    reply = completion({"index": 0, "message": message, "finish_reason": "stop"})
    assert first(asking(), reply)["text"] == text


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("something new", "stop"),
        (None, "stop"),
    ],
)
def test_finish_reason_is_one_that_completions_know(word: str | None, reason: str) -> None:
    assert first(asking(), completion(choice("x", finish_reason=word)))["finish_reason"] == reason


@pytest.mark.parametrize(
    ("word", "text"), [("abort", "x"), ("error", "x"), (None, ""), ("something new", "")]
)
def test_finish_reason_of_a_failure_is_an_error(word: str | None, text: str) -> None:
    with pytest.raises(UpstreamError):
        asking().reply([completion(choice(text, finish_reason=word))])


def test_finish_reason_tool_calls_without_text_is_a_stop_and_reported() -> None:
    translation = asking()
    part = first(
        translation, completion(choice(None, finish_reason="tool_calls", tool_calls=[{"id": "c"}]))
    )
    assert (part["text"], part["finish_reason"]) == ("", "stop")
    assert translation.report.changed == ["finish_reason:tool_calls->stop"]


@pytest.mark.parametrize("text", [None, "x"])
@pytest.mark.parametrize("word", ["stop", "tool_calls", "length"])
@pytest.mark.parametrize(
    "calls",
    [
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"function_call": {"name": "f", "arguments": "{}"}},
    ],
)
def test_calls_are_reported_beside_any_text_and_with_any_finish_reason(
    text: str | None, word: str, calls: Json
) -> None:
    for stop in (None, "x"):
        translation = asking(stop=stop)
        first(translation, completion(choice(text, finish_reason=word, **calls)))
        assert translation.report.dropped == list(calls)


@pytest.mark.parametrize("blank", [None, {}, {"name": "", "arguments": ""}])
def test_no_calls_are_not_reported(blank: Any) -> None:
    translation = asking()
    first(translation, completion(choice("x", tool_calls=[], function_call=blank)))
    assert translation.report.dropped == []


def test_finish_reason_tool_calls_with_text_is_not_worth_a_report() -> None:
    translation = asking()
    first(translation, completion(choice("x", finish_reason="tool_calls")))
    assert translation.report.changed == []


def test_echo_prepends_its_own_prompt_to_every_choice() -> None:
    translation = asking(prompt=["a", "b"], n=2, echo=True)
    reply = replied(
        translation,
        completion(choice("1"), choice("2", 1)),
        completion(choice("3"), choice("4", 1)),
    )
    assert [c["text"] for c in reply["choices"]] == ["a1", "a2", "b3", "b4"]


def test_echo_of_token_ids_is_their_text() -> None:
    context = make_context(detokenize=lambda tokens: "ab"[: len(tokens)])
    assert (
        first(asking(context, prompt=[1, 2], echo=True), completion(choice("c")))["text"] == "abc"
    )


def test_n_choices_are_sorted_by_index() -> None:
    reply = replied(asking(n=3), completion(choice("c", 2), choice("a", 0), choice("b", 1)))
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "a"), (1, "b"), (2, "c")]


@pytest.mark.parametrize("index", [None, True, "0", 1.5])
def test_n_choices_without_usable_indexes_are_in_list_order(index: Any) -> None:
    parts = [{**choice("a"), "index": index}, {**choice("b"), "index": index}]
    reply = replied(asking(n=2), completion(*parts))
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "a"), (1, "b")]


def test_choices_with_duplicate_or_impossible_indexes_are_ignored() -> None:
    reply = replied(
        asking(),
        completion(choice("a"), choice("b", 0), choice("c", 1), choice("d", -1)),
    )
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "a")]


def test_fewer_choices_than_asked_for_are_an_error() -> None:
    with pytest.raises(UpstreamError, match="1 of 2 choices"):
        asking(n=2).reply([completion(choice("a"))])


def test_fewer_replies_than_calls_are_an_error() -> None:
    with pytest.raises(UpstreamError, match="1 of 2 calls"):
        asking(prompt=["a", "b"]).reply([completion(choice("a"))])


@pytest.mark.parametrize("capabilities", [Capabilities(), ONE_BY_ONE])
def test_prompt_list_and_n_count_the_prompt_once(capabilities: Capabilities) -> None:
    translation = asking(make_context(capabilities), prompt=["a", "b"], n=2)
    calls = len(translation.calls)
    per_call = 4 // calls
    reply = replied(
        translation,
        *[
            completion(*[choice(f"{call}.{c}", c) for c in range(per_call)], usage=usage(3, 5))
            for call in range(calls)
        ],
    )
    assert [c["index"] for c in reply["choices"]] == [0, 1, 2, 3]
    expected = ["0.0", "0.1", "1.0", "1.1"] if calls == 2 else ["0.0", "1.0", "2.0", "3.0"]
    assert [c["text"] for c in reply["choices"]] == expected
    assert reply["usage"] == usage(6, 5 * calls)
    assert reply["id"] == "cmpl-" + FRESH_ID


def test_usage_details_are_summed_and_cached_tokens_count_once_per_prompt() -> None:
    details = {
        **usage(3, 5),
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": None},
    }
    translation = asking(make_context(ONE_BY_ONE), n=2)
    reply = replied(translation, *[completion(choice("x"), usage=details) for _ in range(2)])
    assert reply["usage"] == {
        **usage(3, 10),
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 8},
    }


@pytest.mark.parametrize("missing", [None, {}, "many", {"prompt_tokens": True}])
def test_usage_that_one_call_does_not_give_is_unknown(missing: Any) -> None:
    reply = asking(prompt=["a", "b"]).reply(
        [completion(choice("x")), completion(choice("y"), usage=missing)]
    )
    assert "usage" not in reply


def test_usage_without_a_total_gets_one() -> None:
    reply = replied(
        asking(), completion(choice("x"), usage={"prompt_tokens": 3, "completion_tokens": 5})
    )
    assert reply["usage"] == usage(3, 5)


def test_usage_with_an_unusual_form_is_not_guessed_at() -> None:
    for odd in ({"prompt_tokens": 3}, {"prompt_tokens": {"a": 1}, "completion_tokens": 5}):
        assert "usage" not in asking().reply([completion(choice("x"), usage=odd)])


def test_logprobs_become_the_legacy_object() -> None:
    part = first(
        asking(prompt="Once", logprobs=1),
        completion(choice(" up", entries=[entry(" u", -0.1, d=-2.0, e=-3.0), entry("p", -0.2)])),
    )
    assert part["logprobs"] == {
        "tokens": [" u", "p"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"d": -2.0, " u": -0.1}, {"p": -0.2}],
        "text_offset": [4, 6],
    }


def test_logprobs_0_has_the_sampled_token_only() -> None:
    part = first(
        asking(logprobs=0), completion(choice("x", entries=[entry("x", -0.1, x=-0.1, y=-2.0)]))
    )
    assert part["logprobs"]["top_logprobs"] == [{"x": -0.1}]


def test_logprobs_can_count_offsets_from_the_text() -> None:
    context = make_context(settings=TranslationSettings(text_offset_base="text"))
    part = first(asking(context, logprobs=0), completion(choice("x", entries=[entry("x")])))
    assert part["logprobs"]["text_offset"] == [0]


def test_logprobs_of_a_refusal_are_those_of_its_text() -> None:
    body = completion(choice(None, refusal="No"))
    body["choices"][0]["logprobs"] = {"content": None, "refusal": [entry("No")]}
    assert first(asking(logprobs=0), body)["logprobs"]["tokens"] == ["No"]


@pytest.mark.parametrize("stop", [None, " ma"])
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_logprobs_of_reasoning_and_calls_are_left_out(field: str, stop: str | None) -> None:
    tokens = ["<think>", "Be", " brief", "</think>", " upon", " many", "<tool>", "f"]
    more: Json = {field: "Be brief", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}
    said = choice(" upon many", entries=[entry(each) for each in tokens], **more)
    translation = asking(make_context(Capabilities(stop=False)), logprobs=0, stop=stop)
    part = first(translation, completion(said))
    assert part["text"] == (" upon" if stop else " upon many")
    assert part["logprobs"]["tokens"] == ([" upon"] if stop else [" upon", " many"])
    assert part["logprobs"]["text_offset"] == ([4] if stop else [4, 9])


def test_logprobs_that_nobody_needs_may_be_anything() -> None:
    body = completion({**choice("x#y", reasoning="r"), "logprobs": {"content": [5]}})
    translation = asking(make_context(Capabilities(stop=False)), stop="#")
    assert first(translation, body)["text"] == "x"


@pytest.mark.parametrize("logprobs", [None, {}, [], {"content": None, "refusal": None}])
def test_logprobs_that_upstream_does_not_give_are_null(logprobs: Any) -> None:
    body = completion({**choice("x"), "logprobs": logprobs})
    assert first(asking(logprobs=1), body)["logprobs"] is None


def test_logprobs_not_asked_for_are_null() -> None:
    assert first(asking(), completion(choice("x", entries=[entry("x")])))["logprobs"] is None


def test_stop_looked_for_by_the_gateway_cuts_text_and_logprobs() -> None:
    translation = asking(make_context(Capabilities(stop=False)), stop=["##"], logprobs=0)
    entries = [entry("ab"), entry("c#"), entry("#d")]
    part = first(translation, completion(choice("abc##d", finish_reason="length", entries=entries)))
    assert (part["text"], part["finish_reason"]) == ("abc", "stop")
    assert part["logprobs"]["tokens"] == ["ab", "c#"]


def test_stop_looked_for_by_the_gateway_and_not_found_changes_nothing() -> None:
    translation = asking(make_context(Capabilities(stop=False)), stop="##", logprobs=0)
    part = first(
        translation, completion(choice("ab#", finish_reason="length", entries=[entry("ab#")]))
    )
    assert (part["text"], part["finish_reason"]) == ("ab#", "length")
    assert part["logprobs"]["tokens"] == ["ab#"]


def test_stop_is_not_looked_for_in_the_echoed_prompt() -> None:
    translation = asking(make_context(Capabilities(stop=False)), prompt="a#", stop="#", echo=True)
    part = first(translation, completion(choice("b#c", entries=None)))
    assert part["text"] == "a#b"


@pytest.mark.parametrize("capabilities", [Capabilities(), ONE_BY_ONE])
def test_best_of_returns_the_likeliest_per_token_first(capabilities: Capabilities) -> None:
    translation = asking(make_context(capabilities), best_of=4, n=2)
    candidates = [
        choice("bad", 0, entries=[entry("bad", -3.0)]),
        choice("good", 1, entries=[entry("go", -0.4), entry("od", -0.4)]),
        choice("", 2, entries=[]),
        choice("best", 3, entries=[entry("b", -0.1), entry("e", -0.2), entry("st", -0.3)]),
    ]
    if len(translation.calls) == 1:
        bodies = [completion(*candidates, usage=usage(3, 20))]
    else:
        bodies = [completion({**c, "index": 0}, usage=usage(3, 5)) for c in candidates]
    reply = replied(translation, *bodies)
    assert [(c["index"], c["text"], c["logprobs"]) for c in reply["choices"]] == [
        (0, "best", None),
        (1, "good", None),
    ]
    assert reply["usage"] == usage(3, 20)


def test_best_of_keeps_logprobs_that_the_client_asked_for() -> None:
    reply = replied(
        asking(best_of=2, logprobs=0),
        completion(
            choice("a", 0, entries=[entry("a", -2)]), choice("b", 1, entries=[entry("b", -1)])
        ),
    )
    assert reply["choices"][0]["logprobs"]["tokens"] == ["b"]


def test_best_of_several_prompts_ranks_each_by_itself() -> None:
    def pair(low: str, high: str) -> Json:
        return completion(
            choice(low, 0, entries=[entry(low, -2)]), choice(high, 1, entries=[entry(high, -1)])
        )

    reply = replied(asking(prompt=["p", "q"], best_of=2), pair("a", "b"), pair("c", "d"))
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "b"), (1, "d")]


def test_best_of_does_not_judge_reasoning() -> None:
    choices = [
        choice("a", 0, entries=[entry("hm", -0.1), entry("a", -0.9)], reasoning="hm"),
        choice("b", 1, entries=[entry("well", -5.0), entry("b", -0.2)], reasoning="well"),
    ]
    assert first(asking(best_of=2), completion(*choices))["text"] == "b"


def test_best_of_without_logprobs_from_upstream_is_an_error() -> None:
    with pytest.raises(UnsupportedParameter, match="best_of"):
        asking(best_of=2).reply([completion(choice("a"), choice("b", 1))])


@pytest.mark.parametrize("stop", [None, "#"])
def test_best_of_ranks_a_refusal_without_logprobs_last(stop: str | None) -> None:
    refused = choice(None, 0, refusal="I cannot#help")
    answered = choice("sure", 1, entries=[entry("sure", -5)])
    of = make_context(Capabilities(stop=False))
    translation = asking(of, best_of=2, stop=stop)
    reply = translation.reply([completion(refused, answered)])
    assert [each["text"] for each in reply["choices"]] == ["sure"]


def test_best_of_judges_what_is_left_after_the_stop() -> None:
    translation = asking(make_context(Capabilities(stop=False)), best_of=2, stop="#")
    reply = replied(
        translation,
        completion(
            choice("a#x", 0, entries=[entry("a", -1), entry("#", -9), entry("x", -9)]),
            choice("b", 1, entries=[entry("b", -2)]),
        ),
    )
    assert reply["choices"][0]["text"] == "a"


def test_max_tokens_0_is_answered_by_the_gateway() -> None:
    reply = asking(prompt=["a", "b"], max_tokens=0, n=2).local_reply()
    Completion.model_validate(reply, strict=True)
    empty = {"text": "", "logprobs": None, "finish_reason": "length"}
    assert reply == {
        "id": "cmpl-" + FRESH_ID,
        "object": "text_completion",
        "created": NOW,
        "model": "asked",
        "choices": [{"index": index, **empty} for index in range(4)],
    }


def test_max_tokens_0_with_echo_returns_the_prompts() -> None:
    reply = asking(prompt=["a", "b"], max_tokens=0, echo=True).local_reply()
    assert reply is not None
    assert [c["text"] for c in reply["choices"]] == ["a", "b"]


def test_max_tokens_0_of_token_ids_has_usage() -> None:
    context = make_context(detokenize=lambda tokens: "a" * len(tokens))
    reply = asking(context, prompt=[[1, 2], [3]], max_tokens=0).local_reply()
    assert reply is not None
    assert reply["usage"] == usage(3, 0)


def test_max_tokens_0_with_logprobs_has_empty_ones() -> None:
    reply = asking(max_tokens=0, logprobs=1).local_reply()
    assert reply is not None
    assert reply["choices"][0]["logprobs"] == {
        "tokens": [],
        "token_logprobs": [],
        "top_logprobs": [],
        "text_offset": [],
    }


@pytest.mark.parametrize(
    ("options", "prompt", "expected"),
    [
        ({}, [1, 2], None),
        ({"include_usage": True}, [1, 2], {"usage": usage(2, 0)}),
        ({"include_usage": True}, "a", {"usage": None}),
    ],
)
def test_max_tokens_0_has_usage_in_a_stream_only_if_asked_for(
    options: Json, prompt: Any, expected: Json | None
) -> None:
    context = make_context(detokenize=lambda tokens: "a" * len(tokens))
    reply = asking(
        context, prompt=prompt, max_tokens=0, stream=True, stream_options=options
    ).local_reply()
    assert reply is not None
    assert {k: v for k, v in reply.items() if k == "usage"} == (expected or {})


def test_other_requests_are_not_answered_by_the_gateway() -> None:
    assert asking().local_reply() is None


def test_an_error_in_a_200_reply_is_the_upstreams_error_in_the_clients_words() -> None:
    body = {
        "error": {
            "message": "too long",
            "type": "invalid_request_error",
            "param": "messages[0].content",
            "code": "context_length_exceeded",
        }
    }
    with pytest.raises(UpstreamReplied) as caught:
        asking(prompt=["a", "b"]).reply([completion(choice("x")), body])
    assert caught.value.envelope() == {
        "error": {
            "message": "too long (upstream parameter: messages[0].content).",
            "type": "invalid_request_error",
            "param": "prompt[1]",
            "code": "context_length_exceeded",
        }
    }


def test_an_error_that_names_no_other_parameter_is_left_as_it_is() -> None:
    with pytest.raises(UpstreamReplied) as caught:
        asking(seed=1).reply([{"error": {"message": "bad", "param": "seed", "code": 400}}])
    assert (caught.value.message, caught.value.param) == ("bad", "seed")
    assert (caught.value.status, caught.value.code) == (400, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": None},
        {"choices": {}},
        {"choices": []},
        {"choices": [None]},
        {"choices": [[]]},
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0, "text": "x", "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": "x"}]},
        {"choices": [{"index": 0, "message": {"content": 5}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"content": {"a": 1}}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"refusal": 5}, "finish_reason": "stop"}]},
        {
            "choices": [
                {
                    "index": 0,
                    "message": {"content": [{"type": "text", "text": 5}]},
                    "finish_reason": "stop",
                }
            ]
        },
        {"choices": [{**choice("x"), "logprobs": ["x"]}]},
        {"choices": [{**choice("x"), "logprobs": {"content": {"a": 1}}}]},
        {"choices": [{**choice("x"), "logprobs": {"content": ["x"]}}]},
        [],
        None,
        "text",
    ],
)
def test_a_malformed_reply_is_an_upstream_error(body: Any) -> None:
    with pytest.raises(UpstreamError):
        asking(logprobs=1).reply([body])


def test_logprobs_that_already_have_the_legacy_form_are_understood() -> None:
    legacy = {
        "tokens": ["up", "on"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"up": -0.1, "d": -2.0}, {"on": -0.2}],
        "text_offset": [40, 42],
    }
    part = first(
        asking(prompt="Once", logprobs=2), completion({**choice("upon"), "logprobs": legacy})
    )
    assert part["logprobs"] == {
        **legacy,
        "top_logprobs": [{"up": -0.1, "d": -2.0}, {"on": -0.2}],
        "text_offset": [4, 6],
    }
