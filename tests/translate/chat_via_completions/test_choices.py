from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_completions.choices import ChoiceFold, Piece
from tests.translate.chat_via_completions.cases import legacy_logprobs


def fold_tokens(
    tokens: Sequence[str], stops: Sequence[str] = (), *, strip: bool = False
) -> tuple[str, list[str], ChoiceFold]:
    fold = ChoiceFold(stops, strip_leading=strip, top_logprobs=1)
    piece = Piece()
    for token in tokens:
        piece += fold.feed(token, legacy_logprobs(token))
    piece += fold.finish()
    return piece.text, [entry["token"] for entry in piece.entries], fold


def test_text_goes_through_as_it_is() -> None:
    fold = ChoiceFold((), strip_leading=False, top_logprobs=None)
    assert fold.feed(" Hi ", None) == Piece(" Hi ")
    assert fold.feed("\n", legacy_logprobs("\n")) == Piece("\n")
    assert fold.finish() == Piece()
    assert not fold.finish()


def test_text_ends_before_a_stop_sequence_and_its_tokens_with_it() -> None:
    text, tokens, fold = fold_tokens(["Hi", " there", "\nUs", "er:", " more"], ["\nUser:"])
    assert (text, tokens) == ("Hi there", ["Hi", " there"])
    assert fold.stopped
    assert fold.has_text


def test_a_token_that_holds_the_beginning_of_a_stop_sequence_stays_with_its_text() -> None:
    assert fold_tokens(["Hi", "!ST", "OP"], ["STOP"])[:2] == ("Hi!", ["Hi", "!ST"])


def test_nothing_is_lost_when_a_stop_sequence_does_not_come_after_all() -> None:
    fold = ChoiceFold(["STOP"], strip_leading=False, top_logprobs=1)
    assert fold.feed("Hi ST", legacy_logprobs("Hi", " ST")) == Piece(
        "Hi ", fold_entries("Hi", " ST")
    )
    assert fold.feed("O", legacy_logprobs("O")) == Piece()
    assert fold.finish() == Piece("STO", fold_entries("O"))
    assert not fold.stopped


def fold_entries(*tokens: str) -> list[Json]:
    return [
        {
            "token": token,
            "logprob": -0.5,
            "bytes": list(token.encode()),
            "top_logprobs": [{"token": token, "logprob": -0.5, "bytes": list(token.encode())}],
        }
        for token in tokens
    ]


def test_leading_white_space_goes_with_its_tokens() -> None:
    text, tokens, _ = fold_tokens(["\n", "\n ", " Hi", " \n"], strip=True)
    assert (text, tokens) == ("Hi \n", [" Hi", " \n"])


def test_white_space_alone_leaves_nothing() -> None:
    assert fold_tokens([" ", "\n\n"], strip=True)[:2] == ("", [])


def test_white_space_that_may_begin_a_stop_sequence_is_stripped_with_its_token() -> None:
    assert fold_tokens(["\n\n", "Hi"], ["\nUser:"], strip=True)[:2] == ("Hi", ["Hi"])


def test_tokens_of_a_split_character_come_with_the_character() -> None:
    fold = ChoiceFold((), strip_leading=False, top_logprobs=0)
    assert fold.feed("", legacy_logprobs("bytes:\\xe2\\x82")) == Piece()
    piece = fold.feed("€", legacy_logprobs("bytes:\\xac"))
    assert piece.text == "€"
    assert [entry["bytes"] for entry in piece.entries] == [[0xE2, 0x82], [0xAC]]


def test_tokens_that_are_not_in_the_text_do_not_delay_later_ones() -> None:
    fold = ChoiceFold(["STOP"], strip_leading=False, top_logprobs=0)
    for word in ("one", "two", "three", "four"):
        piece = fold.feed(f" {word}", legacy_logprobs(f"▁{word}"))
        assert (piece.text, len(piece.entries)) == (f" {word}", 1)


def test_tokens_far_longer_than_the_text_are_not_held_back() -> None:
    fold = ChoiceFold(["STOP"], strip_leading=False, top_logprobs=0)
    assert len(fold.feed("", legacy_logprobs("<|reserved|>")).entries) == 1


def test_tokens_of_the_end_of_text_come_at_the_end() -> None:
    fold = ChoiceFold(["STOP"], strip_leading=False, top_logprobs=0)
    assert len(fold.feed("Hi", legacy_logprobs("Hi")).entries) == 1
    assert len((fold.feed("", legacy_logprobs("</s>")) + fold.finish()).entries) == 1


def test_bad_logprobs_are_an_upstream_error() -> None:
    fold = ChoiceFold((), strip_leading=False, top_logprobs=0)
    with pytest.raises(UpstreamError):
        fold.feed("x", {"tokens": [1]})


TOKENS = st.lists(st.sampled_from(["a", "b", "ab", " ", "\n", "\n\n", "ü", "🙂"]), max_size=12)
STOPS = st.lists(st.sampled_from(["ab", "\n", "ba\n", "ü🙂", "  "]), max_size=3)


@given(TOKENS, STOPS, st.booleans(), st.data())
def test_the_result_does_not_depend_on_how_the_text_is_cut(
    tokens: list[str], stops: list[str], strip: bool, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(tokens)), max_size=4)))
    whole = ChoiceFold(stops, strip_leading=strip, top_logprobs=0)
    expected = whole.feed("".join(tokens), legacy_logprobs(*tokens)) + whole.finish()
    fold = ChoiceFold(stops, strip_leading=strip, top_logprobs=0)
    piece = Piece()
    for start, end in zip([0, *cuts], [*cuts, len(tokens)], strict=True):
        part = tokens[start:end]
        piece += fold.feed("".join(part), legacy_logprobs(*part))
    piece += fold.finish()
    assert piece == expected
    assert fold.stopped == whole.stopped


@given(st.text(alphabet="ab\n ü", max_size=20), STOPS, st.booleans())
def test_the_text_is_the_same_one_character_at_a_time(
    text: str, stops: list[str], strip: bool
) -> None:
    before = min((text.find(stop) + len(stop) for stop in stops if stop in text), default=None)
    fold = ChoiceFold(stops, strip_leading=strip, top_logprobs=None)
    shown = "".join(fold.feed(character, None).text for character in text) + fold.finish().text
    expected = text
    if before is not None:
        found = [stop for stop in stops if text[:before].endswith(stop)]
        expected = text[: before - max(map(len, found))]
    assert shown == (expected.lstrip(" \n") if strip else expected)
