from typing import Any

import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.completions_fanned_out.backend import (
    ONE_CHOICE,
    asking,
    choice,
    completion,
    raised,
)
from tests.translate.completions_via_chat.chat_backend import FRESH_ID


def test_choices_are_counted_prompt_by_prompt() -> None:
    reply = asking(n=2).reply(
        [
            completion(choice("a1", 1), choice("a0", 0, token_ids=[1])),
            completion(choice("b0", 0), choice("b1", 1)),
        ]
    )
    assert reply == {
        "id": f"cmpl-{FRESH_ID}",
        "object": "text_completion",
        "created": 5,
        "model": "asked",
        "choices": [
            choice("a0", 0, token_ids=[1]),
            choice("a1", 1),
            choice("b0", 2),
            choice("b1", 3),
        ],
        "usage": {"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10},
    }


def test_a_prompts_tokens_count_once_however_many_calls_make_its_choices() -> None:
    reply = asking(ONE_CHOICE, n=2).reply([completion(choice(text)) for text in "abcd"])
    assert [c["index"] for c in reply["choices"]] == [0, 1, 2, 3]
    assert [c["text"] for c in reply["choices"]] == list("abcd")
    assert reply["usage"] == {"prompt_tokens": 6, "completion_tokens": 8, "total_tokens": 14}


def test_a_list_of_one_keeps_the_upstreams_id() -> None:
    reply = asking(prompt=["a"]).reply([completion(choice("x"), system_fingerprint="fp")])
    assert (reply["id"], reply["system_fingerprint"]) == ("cmpl-1", "fp")


@pytest.mark.parametrize("unknown", [None, {}, "many"])
def test_usage_is_left_out_where_one_call_did_not_tell_it(unknown: Any) -> None:
    reply = asking().reply([completion(choice("a")), completion(choice("b"), usage=unknown)])
    assert "usage" not in reply


@pytest.mark.parametrize("index", [None, True, "0", 1, 7, -1])
def test_the_index_of_a_calls_only_choice_does_not_matter(index: Any) -> None:
    replies = [completion(None, {**choice(text), "index": index}) for text in "ab"]
    reply = asking().reply(replies)
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("indexes", [(0, 1), ("0", "1"), (1, 2), (0, 0), (None, None)])
def test_several_choices_of_a_call_have_the_order_of_the_list(indexes: tuple[Any, Any]) -> None:
    said = [{**choice(text), "index": index} for text, index in zip("ab", indexes, strict=True)]
    reply = asking(prompt=["a"], n=2).reply([completion(*said)])
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "a"), (1, "b")]


def test_choices_in_another_order_have_that_of_their_indexes() -> None:
    reply = asking(prompt=["a"], n=2).reply([completion(choice("b", 1), choice("a", 0))])
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize(
    "broken",
    [
        {"choices": None},
        {"choices": "x"},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [None]},
    ],
)
def test_a_reply_without_its_choices_is_the_upstreams_fault(broken: Json) -> None:
    with pytest.raises(UpstreamError):
        asking().reply([completion(choice("a")), {**completion(), **broken}])


def test_an_error_in_a_reply_names_the_clients_prompt() -> None:
    error = {"error": {"message": "too long", "param": "prompt", "code": 400}}
    with pytest.raises(UpstreamReplied) as caught:
        asking().reply([completion(choice("a")), error])
    assert raised(caught.value) == (400, "prompt[1]")
