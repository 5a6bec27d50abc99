from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from gateway.config.translation_settings import TemplateSettings
from gateway.errors import GatewayError, TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Json, Shape
from gateway.translate.contract import Translation
from gateway.translate.stream.sse import SSEDecoder, encode_events, terminator
from tests.translate.chat_via_completions.cases import (
    LENIENT,
    chunk,
    completion,
    context,
    finishes_of,
    legacy_logprobs,
    outcome,
    run,
    text_of,
    tokens_of,
    translated,
)
from tests.translate.chat_via_completions.test_reply import REPLIES

TRANSCRIPT = TemplateSettings("transcript")
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
USAGE = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}


def streaming(**more: Any) -> Translation:
    return translated({"stream": True, **more})


def expected_chunk(delta: Json, *, finish: str | None = None, index: int = 0) -> Json:
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion.chunk",
        "created": 1_690_000_000,
        "model": "base",
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }


ROLE = {"role": "assistant", "content": "", "refusal": None}


def test_a_stream_of_text_becomes_role_content_and_finish() -> None:
    chunks = run(streaming().stream(), [chunk("Hel"), chunk("lo"), chunk(finish="length")])
    assert chunks == [
        expected_chunk(ROLE),
        expected_chunk({"content": "Hel"}),
        expected_chunk({"content": "lo"}),
        expected_chunk({}, finish="length"),
    ]


def test_a_finish_reason_that_comes_with_text_gets_its_own_chunk() -> None:
    chunks = run(streaming().stream(), [chunk("Hello", finish="stop")])
    assert chunks == [
        expected_chunk(ROLE),
        expected_chunk({"content": "Hello"}),
        expected_chunk({}, finish="stop"),
    ]


def test_all_roles_come_first_and_ascending() -> None:
    stream = streaming(n=3).stream()
    first = stream.feed(0, chunk("x", index=2))
    assert first[:3] == [expected_chunk(ROLE, index=i) for i in range(3)]
    assert first[3:] == [expected_chunk({"content": "x"}, index=2)]


def test_all_roles_come_first_when_several_calls_stream_at_once() -> None:
    translation = translated({"n": 2, "stream": True}, context(replace(LENIENT, n=False)))
    stream = translation.stream()
    chunks = stream.feed(1, chunk("b"))
    chunks += stream.feed(0, chunk("a", finish="stop")) + stream.end(0)
    assert stream.end(0) == []
    chunks += stream.feed(1, chunk(finish="stop")) + stream.end(1)
    assert [c["choices"][0]["index"] for c in chunks] == [0, 1, 1, 0, 0, 1]
    assert {c["id"] for c in chunks} == {"chatcmpl-" + "f" * 32}
    assert (text_of(chunks, 0), text_of(chunks, 1)) == ("a", "b")


def test_identity_is_pinned_to_the_first_chunk() -> None:
    events = [
        chunk("a"),
        chunk("b") | {"id": "cmpl-8", "created": 5, "model": "other"},
        chunk(finish="stop"),
    ]
    chunks = run(translated({}, context(echo_model="upstream")).stream(), events)
    assert {(c["id"], c["created"], c["model"]) for c in chunks} == {
        ("chatcmpl-7", 1_690_000_000, "acme/base-7b")
    }


def test_chunks_that_say_nothing_give_nothing() -> None:
    stream = streaming().stream()
    assert stream.feed(0, {"id": "", "object": "", "choices": []}) == []
    assert stream.feed(0, {"choices": None}) == []
    assert stream.feed(0, chunk("")) == [expected_chunk(ROLE)]
    assert stream.feed(0, chunk("")) == []
    assert stream.feed(0, {"choices": [{"index": 0}]}) == []


def test_an_empty_finish_reason_is_none() -> None:
    events = [chunk("a", finish=""), chunk("b", finish=""), chunk(finish="stop")]
    chunks = run(streaming().stream(), events)
    assert (text_of(chunks), finishes_of(chunks)) == ("ab", ["stop"])


def test_text_after_the_finish_is_not_lost() -> None:
    events = [chunk("a", finish="stop"), chunk("b"), chunk(finish="length")]
    chunks = run(streaming().stream(), events)
    assert (text_of(chunks), finishes_of(chunks)) == ("ab", ["stop"])
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    cut = translated({"stop": "!"}, context(replace(LENIENT, stop=False))).stream()
    chunks = run(cut, [chunk("a!", finish="length"), chunk("b")])
    assert (text_of(chunks), finishes_of(chunks)) == ("a", ["stop"])


def test_a_missing_index_is_the_first() -> None:
    chunks = run(streaming().stream(), [{"choices": [{"text": "a", "finish_reason": "stop"}]}])
    assert text_of(chunks) == "a"


def test_the_fingerprint_is_passed_on_once_known() -> None:
    events = [chunk("a"), chunk("b", system_fingerprint="fp"), chunk(finish="stop")]
    chunks = run(streaming().stream(), events)
    assert [c.get("system_fingerprint") for c in chunks] == [None, None, "fp", "fp"]
    chunks = run(streaming().stream(), [chunk("a", finish="stop", system_fingerprint="fp")])
    assert {c["system_fingerprint"] for c in chunks} == {"fp"}


def test_usage_comes_last_if_asked_for() -> None:
    usage_chunk = {"id": "cmpl-7", "choices": [], "usage": USAGE}
    for events in (
        [chunk("a"), chunk(finish="stop"), usage_chunk],
        [usage_chunk, chunk("a"), chunk(finish="stop")],
        [chunk("a", usage={"prompt_tokens": 4}), chunk(finish="stop", usage=USAGE)],
    ):
        chunks = run(translated(WITH_USAGE).stream(), events)
        assert [c["usage"] for c in chunks] == [None, None, None, USAGE]
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["id"] == "chatcmpl-7"


def test_a_usage_without_a_total_gets_one() -> None:
    counts = {"prompt_tokens": 4, "completion_tokens": 2}
    events = [chunk("a"), chunk(finish="stop"), {"choices": [], "usage": counts}]
    *_, last = run(translated(WITH_USAGE).stream(), events)
    assert last["usage"] == {**counts, "total_tokens": 6}


def test_usage_does_not_come_unasked() -> None:
    chunks = run(streaming().stream(), [chunk("a", finish="stop", usage=USAGE)])
    assert all("usage" not in c and c["choices"] for c in chunks)


def test_usage_that_the_upstream_does_not_give_is_not_invented() -> None:
    chunks = run(translated(WITH_USAGE).stream(), [chunk("a", finish="stop")])
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_of_several_calls_is_summed_at_the_end() -> None:
    translation = translated({"n": 2, **WITH_USAGE}, context(replace(LENIENT, n=False)))
    stream = translation.stream()
    for call in (1, 0):
        stream.feed(call, chunk("a", finish="stop", usage=USAGE))
    assert finishes_of(stream.end(1), 1) == ["stop"]
    finish, last = stream.end(0)
    assert finishes_of([finish]) == ["stop"]
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    assert stream.end(0) == []


def test_leading_white_space_is_stripped_however_it_comes() -> None:
    of = context(template=TRANSCRIPT)
    events = [chunk(" "), chunk("\n Hi"), chunk(" \n", finish="stop")]
    chunks = run(translated({"stream": True}, of).stream(), events)
    assert [c["choices"][0]["delta"] for c in chunks] == [
        ROLE,
        {"content": "Hi"},
        {"content": " \n"},
        {},
    ]


def test_a_stop_sequence_found_here_ends_the_choice_at_once() -> None:
    stream = translated({"stop": "END"}, context(replace(LENIENT, stop=False))).stream()
    chunks = stream.feed(0, chunk("Hi EN"))
    assert not stream.satisfied(0)
    chunks += stream.feed(0, chunk("D more"))
    assert stream.satisfied(0)
    assert (text_of(chunks), finishes_of(chunks)) == ("Hi ", ["stop"])
    assert stream.feed(0, chunk("more", finish="length")) == []
    assert stream.end(0) == []


def test_a_template_stop_found_here_ends_the_choice_too() -> None:
    of = context(replace(LENIENT, max_stops=1), TRANSCRIPT)
    events = [chunk(" Hi"), chunk("\nSys"), chunk("tem:"), chunk("x", finish="length")]
    chunks = run(translated({"stop": "END"}, of).stream(), events)
    assert (text_of(chunks), finishes_of(chunks)) == ("Hi", ["stop"])


def test_a_call_is_satisfied_when_all_its_choices_are() -> None:
    of = context(replace(LENIENT, stop=False))
    stream = translated({"stop": "END", "n": 2}, of).stream()
    stream.feed(0, chunk("END"))
    assert not stream.satisfied(0)
    stream.feed(0, chunk("x", index=1, finish="length"))
    assert stream.satisfied(0)


def test_a_call_whose_usage_is_wanted_is_read_to_its_end() -> None:
    stream = translated({"stop": "END", **WITH_USAGE}, context(replace(LENIENT, stop=False)))
    fold = stream.stream()
    fold.feed(0, chunk("END"))
    assert not fold.satisfied(0)
    fold.feed(0, {"choices": [], "usage": USAGE})
    assert fold.end(0)[-1]["usage"] == USAGE


def test_a_call_that_ends_by_itself_is_not_cut_short() -> None:
    stream = streaming().stream()
    stream.feed(0, chunk("a", finish="stop"))
    assert not stream.satisfied(0)


def test_logprobs_come_with_their_text() -> None:
    stream = streaming(logprobs=True, top_logprobs=1).stream()
    events = [
        chunk("Hel", logprobs=legacy_logprobs("Hel")),
        chunk("lo", logprobs=legacy_logprobs("lo"), finish="stop"),
    ]
    chunks = run(stream, events)
    entry = {"token": "Hel", "logprob": -0.5, "bytes": [72, 101, 108]}
    assert chunks[1]["choices"][0]["logprobs"] == {
        "content": [{**entry, "top_logprobs": [entry]}],
        "refusal": None,
    }
    assert tokens_of(chunks) == ["Hel", "lo"]
    assert chunks[-1]["choices"][0]["logprobs"] is None


def test_moderation_results_are_passed_on_if_they_were_asked_for() -> None:
    event = {"choices": [], "moderation": {"input": {"type": "moderation_results"}}}
    chunks = streaming(moderation={"model": "m"}).stream().feed(0, event)
    assert chunks[-1]["moderation"] == event["moderation"]
    assert chunks[-1]["choices"] == []
    assert streaming().stream().feed(0, event) == []


def test_a_whole_reply_in_place_of_a_stream_comes_in_one_burst() -> None:
    chunks = run(streaming(n=2).stream(), [completion({"text": "a"}, {"text": "b"})])
    assert (text_of(chunks, 0), text_of(chunks, 1)) == ("a", "b")
    assert finishes_of(chunks, 1) == ["stop"]


def test_an_error_event_is_raised_in_the_clients_words() -> None:
    stream = streaming().stream()
    stream.feed(0, chunk("a"))
    with pytest.raises(UpstreamReplied) as caught:
        stream.feed(0, {"error": {"message": "broken", "param": "prompt", "code": 500}})
    assert caught.value.status == 502
    assert caught.value.param == "messages"
    assert stream.fail(caught.value) == [
        {
            "error": {
                "message": "broken (upstream parameter: prompt).",
                "type": "server_error",
                "param": "messages",
                "code": None,
            }
        }
    ]


def test_a_null_error_is_none() -> None:
    chunks = run(streaming().stream(), [chunk("a", finish="stop", error=None)])
    assert text_of(chunks) == "a"
    assert all("error" not in c for c in chunks)


@pytest.mark.parametrize(
    "event",
    [
        {"choices": {}},
        {"choices": ["x"]},
        {"choices": [{"index": 0, "text": 5}]},
        {"choices": [{"index": 0, "delta": {"content": ["x"]}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "x"}}]},
        {"choices": [{"index": 0, "message": {"content": "x", "tool_calls": [{}]}}]},
        {"choices": [{"index": 0, "delta": "x"}]},
        {"choices": [{"index": 0, "text": "x", "logprobs": ["x"]}]},
        {"choices": [{"index": 0, "text": "", "finish_reason": "abort"}]},
    ],
)
def test_what_is_not_a_chunk_is_an_error(event: Json) -> None:
    with pytest.raises(UpstreamError):
        streaming(logprobs=True).stream().feed(0, event)


@pytest.mark.parametrize("index", [0, 1, 5, -1, "0", "3", None, True, 0.0, [0]])
def test_the_one_choice_is_the_first_whatever_its_index(index: object) -> None:
    events = [chunk("a"), chunk("x"), chunk(finish="stop")]
    events = [{**each, "choices": [{**each["choices"][0], "index": index}]} for each in events]
    events[1]["choices"].insert(0, None)
    if type(index) is int:
        events.insert(1, chunk("other", index=index + 1, finish="length"))
    chunks = run(streaming().stream(), events)
    assert (text_of(chunks), finishes_of(chunks)) == ("ax", ["stop"])


def test_an_index_beyond_those_asked_for_is_an_error() -> None:
    for index in (2, -1):
        with pytest.raises(UpstreamError, match="other than 0 to 1"):
            streaming(n=2).stream().feed(0, chunk("x", index=index))


FULL_EVENTS = [
    chunk(" Hel", logprobs=legacy_logprobs(" Hel")),
    chunk("Wü", index=1, logprobs=legacy_logprobs("Wü")),
    chunk("lo\nUs", logprobs=legacy_logprobs("lo", "\nUs")),
    chunk("rld", index=1, logprobs=legacy_logprobs("rld"), finish="length"),
    chunk("ed 🙂", logprobs=legacy_logprobs("ed", " 🙂"), finish="stop"),
    {"id": "cmpl-7", "choices": [], "usage": USAGE},
]
FULL_BODY = {"n": 2, "logprobs": True, **WITH_USAGE}
FULL_CONTEXT = context(replace(LENIENT, max_stops=1), TRANSCRIPT)


@pytest.mark.parametrize("size", [None, 1, 7])
def test_the_stream_is_the_same_however_its_bytes_arrive(size: int | None) -> None:
    wire = encode_events(Shape.COMPLETIONS, FULL_EVENTS) + terminator(Shape.COMPLETIONS)
    size = size or len(wire)
    decoder = SSEDecoder()
    stream = translated(FULL_BODY, FULL_CONTEXT).stream()
    chunks: list[Json] = []
    ended = False
    for start in range(0, len(wire), size):
        for event in decoder.feed(wire[start : start + size]):
            if event.data == b"[DONE]":
                chunks += stream.end(0)
                ended = True
            else:
                chunks += stream.feed(0, msgspec.json.decode(event.data))
    assert ended
    assert chunks == run(translated(FULL_BODY, FULL_CONTEXT).stream(), FULL_EVENTS)
    assert text_of(chunks, 0) == "Hello\nUsed 🙂"
    assert tokens_of(chunks, 0) == [" Hel", "lo", "\nUs", "ed", " 🙂"]
    assert text_of(chunks, 1) == "Würld"
    assert chunks[-1]["usage"] == USAGE


@pytest.mark.parametrize("kept", range(len(FULL_EVENTS) - 1))
def test_a_stream_that_is_cut_off_never_ends_well(kept: int) -> None:
    stream = translated(FULL_BODY, FULL_CONTEXT).stream()
    for event in FULL_EVENTS[:kept]:
        stream.feed(0, event)
    with pytest.raises(TruncatedStream):
        stream.end(0)


def test_a_stream_that_is_cut_off_before_its_usage_is_complete_without() -> None:
    chunks = run(translated(FULL_BODY, FULL_CONTEXT).stream(), FULL_EVENTS[:-1])
    assert all(c["usage"] is None for c in chunks)
    assert finishes_of(chunks, 0) == ["stop"]


def test_a_cut_off_call_fails_though_others_are_complete() -> None:
    stream = translated({"n": 2, "stream": True}, context(replace(LENIENT, n=False))).stream()
    stream.feed(0, chunk("a", finish="stop"))
    assert finishes_of(stream.end(0)) == ["stop"]
    with pytest.raises(TruncatedStream):
        stream.end(1)


def test_openai_pythons_stream_helper_reads_the_stream() -> None:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for made in run(translated(FULL_BODY, FULL_CONTEXT).stream(), FULL_EVENTS):
        state.handle_chunk(ChatCompletionChunk.model_validate(made, strict=True))
    final = state.current_completion_snapshot
    assert [choice.message.content for choice in final.choices] == ["Hello\nUsed 🙂", "Würld"]
    assert [choice.message.role for choice in final.choices] == ["assistant"] * 2
    assert [choice.finish_reason for choice in final.choices] == ["stop", "length"]
    assert final.usage
    assert final.usage.total_tokens == 6


TOKENS = st.lists(
    st.sampled_from(["Hi", " ", "\n", "\nUser", ":", "EN", "D", "ü", "🙂"]), max_size=10
)


@given(
    st.lists(TOKENS, min_size=2, max_size=2),
    st.sampled_from(["stop", "length"]),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_folding_a_stream_equals_translating_the_whole_reply(
    texts: list[list[str]], finish: str, native_n: bool, logprobs: bool, order: Any
) -> None:
    body = {"n": 2, "stop": "END", "logprobs": logprobs, **WITH_USAGE}
    of = context(replace(LENIENT, n=native_n, max_stops=2), TRANSCRIPT)
    translation = translated(body, of)
    choices = [
        {"text": "".join(tokens), "logprobs": legacy_logprobs(*tokens), "finish_reason": finish}
        for tokens in texts
    ]
    if native_n:
        replies = [completion(*choices, usage=USAGE)]
    else:
        replies = [completion(choice, usage=USAGE) for choice in choices]
    whole = translation.reply(replies)
    chunks = interleaved(translated(body, of), texts, finish, native_n=native_n, order=order)
    assert chunks[-1]["usage"] == whole["usage"]
    for index, choice in enumerate(whole["choices"]):
        assert text_of(chunks, index) == choice["message"]["content"]
        assert finishes_of(chunks, index) == [choice["finish_reason"]]
        if logprobs:
            entries = choice["logprobs"]["content"]
            assert tokens_of(chunks, index) == [entry["token"] for entry in entries]


def interleaved(
    translation: Translation,
    texts: Sequence[Sequence[str]],
    finish: str,
    *,
    native_n: bool,
    order: Any,
) -> list[Json]:
    """Return the chunks of a stream whose choices come mixed, each one's tokens in order."""
    stream = translation.stream()
    places = [0, 0 if native_n else 1]
    pending = [
        [
            *(
                chunk(token, index=i if native_n else 0, logprobs=legacy_logprobs(token))
                for token in tokens
            ),
            chunk(index=i if native_n else 0, finish=finish),
        ]
        for i, tokens in enumerate(texts)
    ]
    chunks: list[Json] = []
    while any(pending):
        i = order.choice([i for i, events in enumerate(pending) if events])
        chunks += stream.feed(places[i], pending[i].pop(0))
    for call in sorted(set(places)):
        stream.feed(call, {"choices": [], "usage": USAGE})
        chunks += stream.end(call)
    return chunks


@given(st.lists(REPLIES, max_size=4))
def test_any_json_as_events_gives_chunks_or_an_error(events: list[Json]) -> None:
    body = {"logprobs": True, "stop": ["a", "b"], "moderation": {"model": "m"}, **WITH_USAGE}
    stream = translated(body, context(replace(LENIENT, max_stops=1))).stream()
    chunks = outcome(lambda: run(stream, events))
    if isinstance(chunks, GatewayError):
        assert 400 <= chunks.status <= 599
    else:
        assert chunks[0]["choices"][0]["delta"] == ROLE
        assert finishes_of(chunks)
