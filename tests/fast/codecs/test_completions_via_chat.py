"""The codec from completions to chat gives what the generic path gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.config.translation_settings import TranslationSettings
from gateway.fast.codec import fast_translation
from gateway.fast.codecs.completions_via_chat import COMPLETIONS_VIA_CHAT
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from tests.fast import both_paths
from tests.fast.both_paths import (
    ABSENT,
    WILD,
    by_fast_path,
    by_generic_path,
    changed,
    each,
    like,
    some_of,
)
from tests.translate.completions_via_chat.chat_backend import make_context

FULL: Json = {
    "model": "asked",
    "prompt": "Once",
    "max_tokens": 300,
    "temperature": 0.5,
    "top_p": 1,
    "presence_penalty": -1.5,
    "frequency_penalty": 2,
    "n": 1,
    "seed": 7,
    "stream": False,
    "user": "somebody",
}
CHOICE: Json = {
    "index": 0,
    "message": {"role": "assistant", "content": " upon", "refusal": None},
    "logprobs": None,
    "finish_reason": "stop",
}
REPLY: Json = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "sent-2026",
    "choices": [CHOICE],
    "usage": {
        "prompt_tokens": 2,
        "completion_tokens": 3,
        "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": None},
    },
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}
OTHER_NAMES: list[Json] = [
    {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5},
    {"prompt_tokens": 2, "output_tokens": 3, "total_tokens": 5},
]
WITHOUT_GAPS = changed(REPLY, [("usage.prompt_tokens_details.audio_tokens", 0)])
ERROR = {"message": "No.", "type": "server_error", "param": "messages[0].content", "code": "x"}
PARAMS = ["messages[0].content", "max_completion_tokens", "n", "seed", "temperature", "logprobs"]

ODD_PARAMETERS: list[tuple[str, Any]] = [
    *each("model", ABSENT, None, 3),
    *each("prompt", ABSENT, None, "", 3, [], ["a"], ["a", "b"], [1, 2]),
    *each("max_tokens", None, 0, -1, 16.0, 2.5, True, "9", 2**63 - 1, 2**63),
    *each("temperature", None, -0.1, 2.1, 2, -1, 3, True, "1", []),
    *each("top_p", None, -0.1, 1.1, 0, -1, 2, True, "1"),
    *each("presence_penalty", None, -2.1, 2.1, -3, 3, True, "1"),
    *each("frequency_penalty", None, -2.1, 2.1, -3, 3, True, "1"),
    *each("n", None, 0, 2, 1.0, True, "1", 129),
    *each("seed", None, 7.0, True, "7", 2**63, -(2**63), -(2**63) - 1),
    *each("stream", None, True, 0, "no"),
    *each("user", None, 3, ""),
    *each("suffix", None, "", "end"),
    *each("echo", None, False, True),
    *each("stop", None, "up", ["up"], ""),
    *each("best_of", None, 1, 2),
    *each("logprobs", None, 0, 3),
    *each("logit_bias", None, {}, {"50": 1}),
    *each("stream_options", None, {"include_usage": True}),
    *each("response_format", {"type": "text"}, {"type": "json_object"}),
    *[("top_k", 5), ("messages", [])],
]
CONTEXTS: dict[str, Context] = {
    "OpenAI": make_context(),
    "o1": make_context(Capabilities(max_tokens_field="max_completion_tokens", reasoning=True)),
    "reasoning": make_context(
        Capabilities(
            temperature=False,
            top_p=False,
            penalties=False,
            seed=False,
            logprobs=False,
            max_tokens_field="max_completion_tokens",
            reasoning=True,
        )
    ),
    "reasoning with headroom": make_context(
        Capabilities(reasoning=True), TranslationSettings(reasoning_headroom_tokens=100)
    ),
    "headroom without reasoning": make_context(
        settings=TranslationSettings(reasoning_headroom_tokens=100)
    ),
    "one choice a call": make_context(Capabilities(n=False, max_n=1, strict_params=False)),
    "system prompt": make_context(settings=TranslationSettings(completion_system_prompt="Go on.")),
    "no generation": make_context(settings=TranslationSettings(max_fanout=0)),
    "effort": make_context(reasoning_effort="low"),
    "upstream's name": make_context(settings=TranslationSettings(echo_model="upstream")),
    "may stream unasked": make_context(Capabilities(may_stream_unasked=True)),
    "sampling without reasoning": make_context(Capabilities(sampling_needs_effort_none=True)),
    "no temperature": make_context(Capabilities(temperature=False)),
    "no top_p": make_context(Capabilities(top_p=False)),
    "no penalties": make_context(Capabilities(penalties=False)),
    "no seed": make_context(Capabilities(seed=False)),
    "dropping": make_context(
        Capabilities(temperature=False, top_p=False, penalties=False),
        TranslationSettings(on_unsupported="drop"),
    ),
}
COMMON_CONTEXTS = [
    *("OpenAI", "o1", "headroom without reasoning", "one choice a call", "upstream's name"),
]
ODD_REPLIES: list[tuple[str, Any]] = [
    *each("id", ABSENT, None, 3, "", "chatcmpl-", "cmpl-2", "resp_3", "own", "cmpl"),
    *each("object", ABSENT, None, "error", "text_completion"),
    *each("created", ABSENT, None, 0, 1.5, "1", True, False, -1, 2**63, 2**70),
    *each("model", ABSENT, None, "", 3),
    *each("error", None, {}, ERROR, "No.", 3),
    *each("type", None, "error", "response.failed", "message"),
    *each("choices", ABSENT, None, {}, [], "x", [3], {"0": 1}),
    *each("choices", [CHOICE, 3], [CHOICE, {}], [CHOICE, CHOICE]),
    *each("choices.0.index", ABSENT, None, 1, False, 0.0, True, "0"),
    *each("choices.0.logprobs", ABSENT, 3, {}, {"content": 3}, {"content": []}),
    *each("choices.0.message", ABSENT, None, {}, "x"),
    *each("choices.0.message.content", ABSENT, None, "", 3, {}, []),
    ("choices.0.message.content", [{"type": "text", "text": "in parts"}]),
    ("choices.0.message", {"content": "", "refusal": "No."}),
    ("choices.0.message.tool_calls", [{"id": "1"}]),
    ("choices.0.message.reasoning_content", "Hm."),
    *each("choices.0.message.refusal", "", "No.", 3),
    *each("choices.0.message.annotations", [], [{"type": "url_citation"}], {}),
    *each("choices.0.message.images", [], ["https://a.test/b.png"], 3),
    *each("choices.0.message.audio", None, {"transcript": "Hi."}, "x"),
    *each("choices.0.message.phase", "", "commentary", "final_answer", 3),
    *each("choices.0.message.file_citations", [], [{"file_id": "f"}]),
    *each("choices.0.native_finish_reason", "stop", "STOP", "", "SAFETY", "end_turn", 3),
    *each("choices.0.finish_reason", "SAFETY", "content_filter: SPII", "MAX_TOKENS", "whatever"),
    *each(
        "choices.0.finish_reason",
        ABSENT,
        None,
        "length",
        "content_filter",
        "eos",
        "STOP",
        "tool_calls",
        "abort",
    ),
    *each("choices.0.finish_reason", "function_call", "other", 3, [], {}),
    *each("usage", ABSENT, None, {}, 3, [], {"total_tokens": "5"}, *OTHER_NAMES),
    *each("usage.total_tokens", ABSENT, None, 5.5, True, {"a": 1}, 2**63),
    *each("usage.prompt_tokens", ABSENT, None, -1, 2.0, 2.5, "2", 2**60),
    *each("usage.queue_time", 0.5, -1, 3, None),
    *each("usage.prompt_tokens_details", ABSENT, None, {}, 3, {"a": "b", "c": 1.5}),
    *each("usage.cost", 0.5, "free", {"a": {}}, 2**70, 1e19, -1e19, -(2**63), {"a": 1e19}),
    *each("system_fingerprint", ABSENT, None, "", 3),
]

bodies = some_of(FULL, {"model", "prompt"})
parameters = like(ODD_PARAMETERS)
faults = like(ODD_REPLIES)


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    both_paths.assert_same(COMPLETIONS_VIA_CHAT, body, context, replies, PARAMS)


@given(
    st.builds(changed, bodies, st.lists(parameters, max_size=2)),
    st.sampled_from(sorted(CONTEXTS)),
    st.builds(changed, st.just(REPLY), st.lists(faults, max_size=2)) | WILD,
)
def test_both_paths_are_the_same(body: Json, context: str, reply: Any) -> None:
    assert_same(body, CONTEXTS[context], reply)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_both_paths_are_the_same_for_every_odd_parameter(context: Context) -> None:
    for odd in ODD_PARAMETERS:
        assert_same(changed(FULL, [odd]), context, REPLY)
        assert_same(changed({"model": "asked", "prompt": "Once"}, [odd]), context, REPLY)


@pytest.mark.parametrize("context", ["OpenAI", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        assert_same(FULL, CONTEXTS[context], changed(REPLY, [odd]))
        assert_same(FULL, CONTEXTS[context], changed(WITHOUT_GAPS, [odd]))
    for reply in (None, 3, "x", [], [REPLY], [{"error": ERROR}]):
        assert_same(FULL, CONTEXTS[context], reply)


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, make_context(), *replies)


@pytest.mark.parametrize("context", COMMON_CONTEXTS)
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert COMPLETIONS_VIA_CHAT.fits(known)
    made = fast_translation(COMPLETIONS_VIA_CHAT, encode(body), known)
    assert made is not None
    assert made.decode_reply(encode(REPLY)) is not None


VLLM = {
    **dict.fromkeys(("prompt_logprobs", "prompt_token_ids", "prompt_text"), None),
    **dict.fromkeys(("kv_transfer_params", "ec_transfer_params", "metrics", "service_tier"), None),
    "choices": [
        {
            **CHOICE,
            **dict.fromkeys(("stop_reason", "token_ids", "routed_experts"), None),
            "message": {
                **CHOICE["message"],
                **dict.fromkeys(("annotations", "audio", "function_call", "reasoning"), None),
            },
        }
    ],
}
LLAMACPP = {"timings": {"cache_n": 13, "prompt_ms": 0.287, "predicted_per_second": 12711.864}}
SGLANG = {
    "metadata": {"weight_version": "default"},
    "choices": [{**CHOICE, "matched_stop": 151645}],
}
DEEPSEEK = {
    "choices": [
        {**CHOICE, "message": {**CHOICE["message"], "reasoning_content": "The user says Once."}}
    ],
    "usage": {**REPLY["usage"], "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": 2},
}


DEEPSEEK_CACHED = {"usage": {**REPLY["usage"], "prompt_cache_hit_tokens": 1}}


@pytest.mark.parametrize("server", [VLLM, LLAMACPP, SGLANG, DEEPSEEK, DEEPSEEK_CACHED])
def test_so_do_replies_of_other_servers(server: Json) -> None:
    made = fast_translation(COMPLETIONS_VIA_CHAT, encode(FULL), CONTEXTS["OpenAI"])
    assert made is not None
    assert made.decode_reply(encode({**REPLY, **server})) is not None
    assert_same(FULL, CONTEXTS["OpenAI"], {**REPLY, **server})


def test_what_the_codec_does_not_know_takes_the_generic_path() -> None:
    assert (
        fast_translation(COMPLETIONS_VIA_CHAT, encode({**FULL, "echo": False}), make_context())
        is None
    )


def test_a_common_request_can_be_streamed_all_the_same() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
    paths = (by_fast_path(COMPLETIONS_VIA_CHAT), by_generic_path(COMPLETIONS_VIA_CHAT))
    fast, generic = (path(FULL, make_context()).stream() for path in paths)
    assert fast.feed(0, chunk) == generic.feed(0, chunk)
    assert fast.end(0) == generic.end(0)


def test_what_is_noted_before_a_reply_and_by_it_is_one_report() -> None:
    made = by_fast_path(COMPLETIONS_VIA_CHAT)(FULL, make_context())
    made.report.rename("max_tokens", "max_completion_tokens")
    made.reply(
        [
            changed(
                REPLY,
                [
                    ("choices.0.message.content", ""),
                    ("choices.0.finish_reason", "tool_calls"),
                    ("choices.0.message.tool_calls", [{}]),
                ],
            )
        ]
    )
    assert "max_tokens->max_completion_tokens,finish_reason" in made.report.header()
