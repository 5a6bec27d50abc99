from itertools import groupby
from typing import Any

import pytest
from openai.types import Completion

from gateway.demo import emulator
from tests.demo.client import Reply, post

APP = emulator.build()
PATH = "/v1/completions"
PROMPT = "Once upon a time"
CONTINUED = " [davinci-002 continues: Once upon a time]"


def complete(**body: Any) -> Reply:
    return post(APP, PATH, **{"model": "davinci-002", "prompt": PROMPT, **body})


def choices(**body: Any) -> list[dict[str, Any]]:
    reply = complete(**body)
    assert reply.status == 200, reply.body
    if not body.get("echo"):  # the SDK's types leave out the null of a prompt's first token
        Completion.model_validate(reply.json())
    found: list[dict[str, Any]] = reply.json()["choices"]
    assert [choice["index"] for choice in found] == list(range(len(found)))
    return found


def texts(**body: Any) -> list[str]:
    return [choice["text"] for choice in choices(**body)]


def streamed(**body: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """The choices that a stream adds up to, in the shape of the whole reply, and its events."""
    reply = complete(stream=True, **body)
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.complete
    *events, done = reply.events()
    assert done == "[DONE]"
    joined: dict[int, dict[str, Any]] = {}
    for event in events:
        for part in event["choices"]:
            whole = joined.setdefault(
                part["index"],
                {"text": "", "index": part["index"], "logprobs": None, "finish_reason": None},
            )
            assert whole["finish_reason"] is None, "nothing follows a finish reason"
            whole["text"] += part["text"]
            whole["finish_reason"] = part["finish_reason"]
            for name, values in (part["logprobs"] or {}).items():
                whole["logprobs"] = whole["logprobs"] or {}
                whole["logprobs"][name] = whole["logprobs"].get(name, []) + values
    return [joined[index] for index in sorted(joined)], events


def test_the_text_goes_on_from_the_prompts_end() -> None:
    assert texts() == [CONTINUED]
    long = "x" * 60
    assert texts(prompt=long) == [f" [davinci-002 continues: {long[-40:]}]"]


def test_sixteen_tokens_are_the_default() -> None:
    (choice,) = choices(prompt="!count 99")
    assert choice["finish_reason"] == "length"
    assert choice["text"] == "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"
    assert texts(prompt="!count 99", max_tokens=None)[0].endswith(" 16")


def test_no_tokens_at_all_can_be_asked_for() -> None:
    reply = complete(max_tokens=0, echo=True)
    assert reply.json()["choices"][0]["text"] == PROMPT
    assert reply.json()["choices"][0]["finish_reason"] == "length"
    assert reply.json()["usage"] == {
        "prompt_tokens": 4,
        "completion_tokens": 0,
        "total_tokens": 4,
    }


def test_a_list_of_prompts_gives_n_choices_for_each_in_order() -> None:
    found = texts(prompt=["one", "two"], n=2, max_tokens=20)
    assert found == [
        " [davinci-002 continues: one]",
        " [davinci-002 continues: one] (take 2)",
        " [davinci-002 continues: two]",
        " [davinci-002 continues: two] (take 2)",
    ]


def test_token_numbers_are_read_as_their_names() -> None:
    assert texts(prompt=[1, 20], echo=True) == [" t1 t20 [davinci-002 continues:  t1 t20]"]
    assert len(texts(prompt=[[1], [2, 3]])) == 2
    assert complete(prompt=[1, 20]).json()["usage"]["prompt_tokens"] == 2


def test_no_prompt_is_the_end_of_the_document_before() -> None:
    assert texts(prompt=None)[0].startswith(" [davinci-002 continues: <|endoftext|>")


def test_a_seed_moves_the_take() -> None:
    assert texts(seed=4, n=2, max_tokens=20) == [
        f"{CONTINUED} (take 5)",
        f"{CONTINUED} (take 6)",
    ]


def test_best_of_returns_the_likeliest_per_token_and_charges_for_all() -> None:
    def mean(choice: dict[str, Any]) -> float:
        numbers = choice["logprobs"]["token_logprobs"]
        return float(sum(numbers) / len(numbers))

    every = choices(n=6, logprobs=0, max_tokens=30)
    best = sorted(every, key=mean, reverse=True)[:2]
    reply = complete(n=2, best_of=6, max_tokens=30)
    assert [choice["text"] for choice in reply.json()["choices"]] == [one["text"] for one in best]
    spent = sum(len(one["logprobs"]["tokens"]) for one in every)
    assert reply.json()["usage"]["completion_tokens"] == spent


@pytest.mark.parametrize("stop", [" upon", [" upon"], ["zzz", " upon"]])
def test_a_stop_sequence_ends_the_text(stop: Any) -> None:
    (choice,) = choices(stop=stop)
    assert (choice["text"], choice["finish_reason"]) == (" [davinci-002 continues: Once", "stop")


def test_a_suffix_is_filled_up_to_by_the_model_that_can() -> None:
    body = {"model": "gpt-3.5-turbo-instruct", "suffix": "The end.", "max_tokens": 40}
    assert texts(**body) == [" [gpt-3.5-turbo-instruct continues: Once upon a time | The end.]"]
    assert complete(suffix="The end.").error() == (
        400,
        "Unsupported parameter: 'suffix' is not supported with this model.",
        "suffix",
        "unsupported_parameter",
    )


def test_logprobs_are_one_entry_per_token_and_offsets_count_from_the_prompt() -> None:
    (choice,) = choices(logprobs=2, prompt="né 😀", max_tokens=30)
    columns = choice["logprobs"]
    assert len({len(values) for values in columns.values()}) == 1
    assert columns["text_offset"][0] == len("né 😀")
    assert r"bytes:\xf0\x9f" in columns["tokens"]
    readable = [token for token in columns["tokens"] if not token.startswith("bytes:")]
    assert "".join(readable) == choice["text"].replace("😀", "")
    for token, logprob, top in zip(
        columns["tokens"], columns["token_logprobs"], columns["top_logprobs"], strict=True
    ):
        assert top[token] == logprob
        assert 2 <= len(top) <= 3


def test_an_echo_has_the_prompts_logprobs_in_front() -> None:
    (choice,) = choices(logprobs=1, echo=True, max_tokens=2)
    columns = choice["logprobs"]
    assert choice["text"] == f"{PROMPT} [davinci"
    assert "".join(columns["tokens"]) == choice["text"]
    assert columns["token_logprobs"][0] is columns["top_logprobs"][0] is None
    assert columns["text_offset"] == [0, 4, 9, 11, 16, 18]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": "say 😀 once"},
        {"prompt": ["one", "two"], "n": 2},
        {"prompt": "say 😀 once", "logprobs": 2, "max_tokens": 40},
        {"prompt": ["a 😀", "b"], "logprobs": 0, "echo": True, "n": 2},
        {"echo": True},
        {"max_tokens": 0},
        {"max_tokens": 0, "logprobs": 1},
        {"stop": ["upon"]},
        {"prompt": "!content-filter of something"},
        {"n": 2, "best_of": 2},
    ],
)
def test_a_stream_adds_up_to_the_whole_reply(body: dict[str, Any]) -> None:
    whole = choices(**body)
    found, events = streamed(**body)
    if body == {"max_tokens": 0, "logprobs": 1}:
        empty: dict[str, list[Any]] = {name: [] for name in whole[0]["logprobs"]}
        found[0]["logprobs"] = empty
    assert found == whole
    assert all("usage" not in event for event in events)
    assert {event["id"] for event in events} == {events[0]["id"]}
    for event in events:
        Completion.model_validate({**event, "choices": []})


def test_the_choices_of_a_stream_take_turns() -> None:
    _, events = streamed(n=3)
    indexes = [event["choices"][0]["index"] for event in events]
    assert indexes[:6] == [0, 1, 2, 0, 1, 2]
    assert len(list(groupby(indexes))) == len(indexes)


def test_usage_comes_last_when_asked_for_and_is_null_before() -> None:
    _, events = streamed(stream_options={"include_usage": True})
    *before, last = events
    assert all(event["usage"] is None for event in before)
    assert (last["choices"], last["usage"]) == ([], complete().json()["usage"])


def test_a_prompt_beyond_the_context_is_refused() -> None:
    body = {"model": "gpt-3.5-turbo-instruct", "prompt": "word " * 2000, "max_tokens": 3000}
    status, message, param, code = complete(**body).error()
    assert (status, param, code) == (400, None, "context_length_exceeded")
    assert message.startswith(
        "This model's maximum context length is 4097 tokens, however you requested 5001 tokens"
        " (2001 in your prompt; 3000 for the completion)."
    )


@pytest.mark.parametrize(("command", "status"), [("!429", 429), ("!500", 500), ("!503", 503)])
def test_a_command_in_any_prompt_fails_the_call(command: str, status: int) -> None:
    assert complete(prompt=["fine", command]).status == status
