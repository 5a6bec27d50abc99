from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.generation.tokens import (
    Candidate,
    generate,
    pieces,
    scored,
    text_of,
    tokenise,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(TEXTS)
def test_tokens_joined_are_the_text(text: str) -> None:
    assert b"".join(tokenise(text)) == text.encode()


@given(TEXTS, st.integers(0, 40))
def test_pieces_joined_are_the_text_of_any_number_of_tokens(text: str, number: int) -> None:
    tokens = tokenise(text)[:number]
    assert "".join(pieces(tokens)) == text_of(tokens)


def test_words_take_the_space_before_them_and_an_emoji_is_two_tokens() -> None:
    assert tokenise("Hi you,  😀") == (b"Hi", b" you", b",", b"  ", b"\xf0\x9f", b"\x98\x80")


def test_a_word_of_wide_letters_is_split_as_well() -> None:
    wide = "a\U00020000"
    assert tokenise(wide) == (b"a", b"\xf0\xa0", b"\x80\x80")


def test_half_a_character_at_the_end_reads_as_the_replacement_character() -> None:
    said = generate("😀", limit=1)
    assert (said.text, said.finish) == ("\ufffd", "length")


def test_a_text_that_just_fits_its_limit_is_not_cut() -> None:
    assert generate("one two", limit=2).finish == "stop"
    assert generate("one two three", limit=2) == Candidate((b"one", b" two"), "length")


def test_reasoning_uses_up_the_limit_first() -> None:
    said = generate("one two three", limit=5, hidden=4)
    assert (said.text, said.finish, said.hidden) == ("one", "length", 4)
    nothing = generate("one", limit=3, hidden=8)
    assert (nothing.text, nothing.finish, nothing.hidden) == ("", "length", 3)


def test_the_stop_sequence_that_is_complete_first_cuts_the_text() -> None:
    said = generate("a b c d", stops=["d", "c", "b c", "x"])
    assert (said.text, said.finish) == ("a ", "stop")


def test_a_stop_sequence_beyond_the_limit_is_never_reached() -> None:
    assert generate("a b c", limit=1, stops=["c"]).finish == "length"


@given(TEXTS, st.text(min_size=1, max_size=3), st.integers(0, 20))
def test_a_stop_sequence_never_shows_and_never_costs_more_tokens(
    text: str, stop: str, limit: int
) -> None:
    free, said = generate(text, limit=limit), generate(text, limit=limit, stops=[stop])
    assert stop not in said.text
    assert len(said.tokens) <= len(free.tokens)
    assert free.text.startswith(said.text)


@given(TEXTS, st.integers(-5, 5))
def test_probabilities_are_ranked_the_same_each_time_and_hold_the_sampled_token(
    text: str, variant: int
) -> None:
    tokens = tokenise(text)
    first = scored(tokens, variant)
    assert first == scored(tokens, variant)
    for token, value in zip(first, tokens, strict=True):
        numbers = [one.logprob for one in token.ranked]
        assert numbers == sorted(numbers, reverse=True)
        assert len({one.token for one in token.ranked}) == len(token.ranked) == 20
        assert max(numbers) < 0
        assert [one.logprob for one in token.ranked if one.token == value] == [token.logprob]


def test_a_sampled_token_may_look_like_an_alternative() -> None:
    (token,) = scored([b" option3"])
    assert len({one.token for one in token.ranked}) == 20


def test_a_candidate_is_scored_by_the_mean_of_its_tokens() -> None:
    said = generate("some words here", variant=3)
    logprobs = [token.logprob for token in said.scored()]
    assert said.score() == sum(logprobs) / 3
    assert generate("").score() == 0
