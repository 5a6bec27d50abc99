import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json
from gateway.translate.parts.tokens.usage import chat_usage, responses_usage, with_chats_names
from tests.translate.openai_schema import check_schema

CHAT = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 4, "cache_write_tokens": 2},
    "completion_tokens_details": {
        "accepted_prediction_tokens": 0,
        "audio_tokens": 0,
        "reasoning_tokens": 3,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSES = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 15,
}


def test_usage_is_translated_in_both_directions() -> None:
    assert chat_usage(RESPONSES) == CHAT
    assert responses_usage(CHAT) == RESPONSES
    check_schema("CompletionUsage", CHAT)
    check_schema("ResponseUsage", RESPONSES)


def test_llamacpp_leaves_the_details_of_the_output_out() -> None:
    usage = chat_usage({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
    assert usage is not None
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0
    assert usage["prompt_tokens_details"] == {"audio_tokens": 0, "cached_tokens": 0}


def test_required_details_of_responses_are_always_there() -> None:
    usage = responses_usage({"prompt_tokens": 1, "completion_tokens": 2})
    assert usage is not None
    check_schema("ResponseUsage", usage)
    assert usage["total_tokens"] == 3


def test_a_missing_total_is_the_sum() -> None:
    usage = chat_usage({"input_tokens": 1, "output_tokens": 2.0})
    assert usage is not None
    assert usage["total_tokens"] == 3


BARE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    ("more", "cached", "cache_write", "reasoning"),
    [
        ({"prompt_cache_hit_tokens": 4}, 4, 0, 0),
        ({"cached_tokens": 4, "prompt_tokens_details": None}, 4, 0, 0),
        ({"cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 0}}, 4, 0, 0),
        ({"cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3.0}}, 3, 0, 0),
        ({"cache_read_input_tokens": 4, "cache_creation_input_tokens": 2.0}, 4, 2, 0),
        ({"reasoning_tokens": 3}, 0, 0, 3),
        ({"reasoning_tokens": 3, "completion_tokens_details": {"audio_tokens": 1}}, 0, 0, 3),
        ({"reasoning_tokens": -3, "cached_tokens": "4"}, 0, 0, 0),
    ],
)
def test_details_count_wherever_a_server_says_them(
    more: Json, cached: int, cache_write: int, reasoning: int
) -> None:
    renamed = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    for usage in (BARE, renamed):
        made = responses_usage({**usage, **more})
        assert made == {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": cache_write},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": 15,
        }
        usage_of_chat = chat_usage({**usage, **more})
        assert usage_of_chat is not None
        assert usage_of_chat["prompt_tokens_details"]["cached_tokens"] == cached
        assert usage_of_chat["completion_tokens_details"]["reasoning_tokens"] == reasoning
        assert usage_of_chat.keys() == CHAT.keys()


def test_either_shapes_names_are_understood() -> None:
    assert responses_usage(RESPONSES) == RESPONSES
    assert chat_usage(CHAT) == CHAT
    mixed = {"prompt_tokens": 10, "output_tokens": 5, "input_tokens": None}
    assert responses_usage(mixed) == responses_usage(BARE)
    assert with_chats_names(RESPONSES) == {
        **BARE,
        "prompt_tokens_details": RESPONSES["input_tokens_details"],
        "completion_tokens_details": RESPONSES["output_tokens_details"],
    }
    for unchanged in (BARE, CHAT, {}, None, 5):
        assert with_chats_names(unchanged) is unchanged
    both = {**BARE, "input_tokens": 7}
    assert with_chats_names(both) == both


def test_what_no_shape_has_a_place_for_keeps_its_name() -> None:
    more = {"cost": 0.5, "cost_details": {"upstream": 0.4}, "num_sources_used": 3, "is_byok": False}
    for usage in (BARE, RESPONSES):
        for made in (responses_usage, chat_usage):
            usage_of_chat = made({**usage, **more, "nothing": None})
            assert usage_of_chat is not None
            assert more.items() <= usage_of_chat.items()
            assert "nothing" not in usage_of_chat


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        5,
        {"input_tokens": 1},
        {"input_tokens": True, "output_tokens": 1},
        {"input_tokens": 1, "output_tokens": -1},
        {"input_tokens": 1, "output_tokens": float("nan")},
        {"input_tokens": 1, "output_tokens": 1e300},
        {"prompt_tokens": "1", "completion_tokens": 1},
    ],
)
def test_unknown_usage_stays_unknown(usage: object) -> None:
    assert chat_usage(usage) is None
    assert responses_usage(usage) is None


COUNT = st.integers(0, 2**53) | st.floats() | st.none() | st.booleans() | st.text(max_size=2)
DETAILS = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "reasoning_tokens", "x"]), COUNT, max_size=3
)


@given(prompt=COUNT, completion=COUNT, total=COUNT, read=DETAILS, written=DETAILS)
def test_whatever_comes_the_result_is_valid_or_none(
    prompt: object, completion: object, total: object, read: object, written: object
) -> None:
    made: Json | None = chat_usage(
        {
            "input_tokens": prompt,
            "output_tokens": completion,
            "total_tokens": total,
            "input_tokens_details": read,
            "output_tokens_details": written,
        }
    )
    if made is not None:
        check_schema("CompletionUsage", made)
        back = responses_usage(made)
        assert back is not None
        check_schema("ResponseUsage", back)
        assert back["total_tokens"] == made["total_tokens"]
