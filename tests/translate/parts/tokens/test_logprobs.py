import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.tokens.logprobs import (
    LegacyLogprobs,
    chat_logprobs,
    token_bytes,
    truncate_entries,
)


def entry(raw: bytes | str, logprob: object = -1.0, *alternatives: Json) -> Json:
    data = raw.encode() if isinstance(raw, str) else raw
    return {
        "token": data.decode("utf-8", "replace"),
        "logprob": logprob,
        "bytes": list(data),
        "top_logprobs": list(alternatives),
    }


def alternative(token: str, logprob: float) -> Json:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


HELLO = [
    entry("Hel", -0.1, alternative("Hal", -3.0), alternative("Hel", -0.1), alternative("H", -5.0)),
    entry("lo", -0.2, alternative("l", -0.1)),
]


def test_entries_become_the_legacy_object() -> None:
    assert LegacyLogprobs(offset=5, top=2).convert(HELLO) == {
        "tokens": ["Hel", "lo"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"Hel": -0.1, "Hal": -3.0}, {"l": -0.1, "lo": -0.2}],
        "text_offset": [5, 8],
    }


def test_without_alternatives_the_sampled_token_is_still_there() -> None:
    converted = LegacyLogprobs(offset=0, top=0).convert(HELLO)
    assert converted["top_logprobs"] == [{"Hel": -0.1}, {"lo": -0.2}]


def test_a_character_split_over_tokens_moves_the_offset_once() -> None:
    euro = "€".encode()
    entries = [entry("a"), entry(euro[:1]), entry(euro[1:2]), entry(euro[2:]), entry("b")]
    converted = LegacyLogprobs(offset=0, top=1).convert(entries)
    assert converted["tokens"] == ["a", r"bytes:\xe2", r"bytes:\x82", r"bytes:\xac", "b"]
    assert converted["text_offset"] == [0, 1, 1, 1, 2]


def test_of_two_alternatives_with_one_label_the_likelier_stays() -> None:
    odd = entry("a", -1.0, alternative("b", -3.0), alternative("b", -2.0))
    converted = LegacyLogprobs(offset=0, top=2).convert([odd])
    assert converted["top_logprobs"] == [{"b": -2.0, "a": -1.0}]


@pytest.mark.parametrize("logprob", [-math.inf, math.nan, None, "x", -1e10])
def test_what_json_cannot_express_is_the_lowest_logprob(logprob: object) -> None:
    converted = LegacyLogprobs(offset=0, top=0).convert([entry("a", logprob)])
    assert converted["token_logprobs"] == [-9999.0]


def test_a_token_without_bytes_is_its_text() -> None:
    bare: Json = {"token": "né", "logprob": -1, "bytes": None}
    converted = LegacyLogprobs(offset=0, top=0).convert([bare, {"token": "x"}])
    assert converted["tokens"] == ["né", "x"]
    assert converted["text_offset"] == [0, 2]
    assert token_bytes({"token": "\ud800"}) == b"?"


texts = st.text(st.sampled_from("aé€🙂 \n"), max_size=12)


@given(texts, st.lists(st.integers(0, 40), max_size=20), st.lists(st.integers(0, 20), max_size=5))
def test_any_tokens_and_any_chunks_of_them_convert_alike(
    text: str, token_cuts: list[int], chunk_cuts: list[int]
) -> None:
    data = text.encode()
    edges = sorted({0, len(data), *(min(edge, len(data)) for edge in token_cuts)})
    entries = [entry(data[a:b]) for a, b in pairwise(edges)]
    whole = LegacyLogprobs(offset=3, top=1).convert(entries)

    chunked = LegacyLogprobs(offset=3, top=1)
    joined: Json = {key: [] for key in whole}
    borders = sorted({0, len(entries), *(min(cut, len(entries)) for cut in chunk_cuts)})
    for a, b in pairwise(borders):
        for key, values in chunked.convert(entries[a:b]).items():
            joined[key] += values
    assert joined == whole

    for (start, _), offset in zip(pairwise(edges), whole["text_offset"], strict=True):
        complete = data[:start].decode("utf-8", "ignore")
        assert offset == 3 + len(complete)


@given(texts, st.lists(st.integers(0, 40), max_size=20))
def test_there_and_back_keeps_bytes_and_logprobs(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = sorted({0, len(data), *(min(edge, len(data)) for edge in cuts)})
    entries = [entry(data[a:b], -0.5 * a) for a, b in pairwise(edges)]
    back = chat_logprobs(LegacyLogprobs(offset=0, top=0).convert(entries), top=1)
    assert [each["bytes"] for each in back] == [each["bytes"] for each in entries]
    assert [each["logprob"] for each in back] == [each["logprob"] for each in entries]


def test_the_legacy_object_becomes_entries_with_the_best_alternatives_first() -> None:
    legacy = {
        "tokens": ["a", "b"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"c": -2.0, "b": -0.5, "d": -1.0}],
        "text_offset": [0, 1],
    }
    assert chat_logprobs(legacy, top=2) == [
        {"token": "a", "logprob": -9999.0, "bytes": [97], "top_logprobs": []},
        {
            "token": "b",
            "logprob": -0.5,
            "bytes": [98],
            "top_logprobs": [
                {"token": "b", "logprob": -0.5, "bytes": [98]},
                {"token": "d", "logprob": -1.0, "bytes": [100]},
            ],
        },
    ]
    assert [each["top_logprobs"] for each in chat_logprobs(legacy, top=0)] == [[], []]


def test_a_legacy_object_may_lack_all_but_its_tokens() -> None:
    legacy = {"tokens": ["a"], "token_logprobs": None}
    assert chat_logprobs(legacy, top=1) == [
        {"token": "a", "logprob": -9999.0, "bytes": [97], "top_logprobs": []}
    ]


@pytest.mark.parametrize("legacy", [None, {}, {"content": None}, {"content": []}, {"tokens": []}])
def test_no_logprobs_are_not_entries(legacy: object) -> None:
    assert chat_logprobs(legacy, top=1) == []


def test_llamacpps_chat_shape_is_accepted_and_cleaned() -> None:
    content = [
        {
            "id": 15,
            "token": "a",
            "bytes": [97],
            "logprob": -0.5,
            "top_logprobs": [
                {"id": 16, "token": "b", "bytes": [98], "logprob": -2.0},
                {"id": 15, "token": "a", "bytes": [97], "logprob": -0.5},
            ],
        }
    ]
    assert chat_logprobs({"content": content}, top=1) == [
        {
            "token": "a",
            "logprob": -0.5,
            "bytes": [97],
            "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}],
        }
    ]


def test_probabilities_after_sampling_are_not_logprobs() -> None:
    content = [{"token": "a", "prob": 0.5, "top_probs": []}]
    assert chat_logprobs({"content": content}, top=1) == []


@pytest.mark.parametrize(
    "legacy",
    [
        ["x"],
        "x",
        {"tokens": "a"},
        {"tokens": [1]},
        {"tokens": ["a"], "top_logprobs": {}},
        {"content": "x"},
        {"content": ["x"]},
        {"content": [{"logprob": -1}]},
        {"content": [{"token": 5}]},
        {"content": [{"token": "a", "bytes": "a"}]},
        {"content": [{"token": "a", "bytes": [256]}]},
        {"content": [{"token": "a", "bytes": [True]}]},
        {"content": [{"token": "a", "top_logprobs": "x"}]},
        {"content": [{"token": "a", "top_logprobs": ["x"]}]},
    ],
)
def test_what_is_not_logprobs_is_an_upstream_error(legacy: object) -> None:
    with pytest.raises(UpstreamError, match="logprobs cannot be read"):
        chat_logprobs(legacy, top=1)


@pytest.mark.parametrize("bad", [{}, {"token": 5}, "x", {"token": "a", "top_logprobs": [5]}])
def test_what_is_not_an_entry_is_an_upstream_error(bad: Json) -> None:
    with pytest.raises(UpstreamError):
        LegacyLogprobs(offset=0, top=1).convert([bad])


ENTRIES = [entry(text) for text in (" ", "\n", " a", "é", "b")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" ", 1),
        (" \n", 2),
        (" \n ", 3),
        (" \n a", 3),
        (" \n aé", 4),
        (" \n aéb", 5),
        ("x" * 99, 5),
    ],
)
def test_the_entries_of_a_cut_text_are_those_that_begin_in_it(text: str, count: int) -> None:
    assert truncate_entries(ENTRIES, text) == ENTRIES[:count]
