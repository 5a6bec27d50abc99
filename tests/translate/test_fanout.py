import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.fanout import check_fanout, choice_index, rank, together
from gateway.translate.limits.capabilities import Capabilities


def choice(text: str | None, *logprobs: float | None) -> Json:
    return {
        "message": {"role": "assistant", "content": text},
        "logprobs": {"content": [{"token": "t", "logprob": value} for value in logprobs]},
    }


def test_choices_are_counted_prompt_by_prompt() -> None:
    indexes = [choice_index(prompt, c, 2) for prompt in range(3) for c in range(2)]
    assert indexes == [0, 1, 2, 3, 4, 5]


def test_as_many_generations_as_allowed_pass() -> None:
    context = Context("m", "m", settings=TranslationSettings(max_fanout=8))
    check_fanout(8, context, "prompt")
    with pytest.raises(InvalidRequest, match=r"asks for 9 .* allows 8") as caught:
        check_fanout(9, context, "prompt")
    assert (caught.value.status, caught.value.param) == (400, "prompt")


def test_the_highest_logprob_per_token_is_first() -> None:
    long_and_likely = choice("abcd", -0.5, -0.5, -0.5, -0.5)
    short_and_unlikely = choice("a", -1.0)
    assert rank([short_and_unlikely, long_and_likely]) == [1, 0]


def test_an_empty_candidate_is_last_and_equals_keep_their_order() -> None:
    candidates = [choice(""), choice("a", -1), choice(None), choice("b", -1), choice("c", -0.5)]
    assert rank(candidates) == [4, 1, 3, 0, 2]
    assert rank([]) == []


def test_an_impossible_or_missing_logprob_counts_as_the_lowest() -> None:
    candidates = [choice("a", None), choice("b", float("-inf")), choice("c", -9998)]
    assert rank(candidates) == [2, 0, 1]


def test_a_refusal_is_ranked_by_its_own_logprobs() -> None:
    refused: Json = {
        "message": {"content": None, "refusal": "no"},
        "logprobs": {"content": None, "refusal": [{"token": "no", "logprob": -0.1}]},
    }
    assert rank([choice("a", -1), refused]) == [1, 0]


@pytest.mark.parametrize("logprobs", [None, {}, {"content": []}, {"content": None}, {"content": 5}])
def test_text_without_logprobs_cannot_be_ranked(logprobs: object) -> None:
    unknown: Json = {"message": {"content": "b"}, "logprobs": logprobs}
    with pytest.raises(UnsupportedParameter, match="best_of") as refused:
        rank([unknown, choice("")])
    assert (refused.value.status, refused.value.param) == (400, "best_of")
    assert rank([unknown, choice("a", -1)]) == [1, 0]


def test_a_refusal_without_logprobs_is_last() -> None:
    refused: Json = {"message": {"content": None, "refusal": "no"}, "logprobs": None}
    assert rank([refused, choice("a", -9)]) == [1, 0]
    assert rank([refused, refused]) == [0, 1]


@pytest.mark.parametrize(
    ("able", "choices", "temperature", "at_once"),
    [
        (Capabilities(), 3, 0, True),
        (Capabilities(n=False), 3, 1, False),
        (Capabilities(max_n=2), 3, 1, False),
        (Capabilities(max_n=3), 3, 1, True),
        (Capabilities(several_greedy=False), 3, 0, False),
        (Capabilities(several_greedy=False), 3, 0.0, False),
        (Capabilities(several_greedy=False), 3, None, True),
        (Capabilities(several_greedy=False), 1, 0, True),
    ],
)
def test_choices_are_generated_at_once_where_the_server_does(
    able: Capabilities, choices: int, temperature: object, at_once: bool
) -> None:
    assert together(Context("m", "m", capabilities=able), choices, temperature) is at_once


def test_what_is_not_a_choice_counts_as_empty_and_what_is_not_an_entry_as_lowest() -> None:
    odd: Json = {"message": {"content": "b"}, "logprobs": {"content": ["x"]}}
    assert rank([{"message": None}, odd, choice("a", -1)]) == [2, 1, 0]
