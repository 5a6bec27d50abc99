from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.generation.logprobs import LegacyColumns, chat_label, entry, legacy_label
from gateway.demo.generation.tokens import scored, text_of, tokenise

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_half_a_character_has_its_own_notation_in_each_shape() -> None:
    assert legacy_label(b"\xf0\x9f") == r"bytes:\xf0\x9f"
    assert chat_label(b"\xf0\x9f") == r"\xf0\x9f"
    assert legacy_label("né".encode()) == chat_label("né".encode()) == "né"


def test_columns_list_the_sampled_token_besides_the_best() -> None:
    tokens = scored(tokenise("one two three four five six"))
    columns = LegacyColumns(2, 0).columns(tokens)
    for token, top in zip(tokens, columns["top_logprobs"], strict=True):
        best = {legacy_label(one.token): one.logprob for one in token.ranked[:2]}
        assert top == best | {legacy_label(token.value): token.logprob}
    assert {len(top) for top in columns["top_logprobs"]} == {2, 3}


def test_the_first_token_of_a_prompt_has_no_probability() -> None:
    columns = LegacyColumns(1, 0).columns(scored(tokenise("one two")), from_start=True)
    assert columns["token_logprobs"][0] is None
    assert columns["top_logprobs"][0] is None
    assert columns["token_logprobs"][1] < 0
    assert LegacyColumns(1, 0).columns([], from_start=True)["tokens"] == []


@given(TEXTS, st.integers(0, 30), st.integers(0, 9))
def test_offsets_run_on_over_pieces_and_count_code_points(text: str, cut: int, start: int) -> None:
    tokens = scored(tokenise(text))
    writer = LegacyColumns(0, start)
    pieces = [writer.columns(tokens[:cut]), writer.columns(tokens[cut:])]
    offsets = [offset for piece in pieces for offset in piece["text_offset"]]
    assert offsets == LegacyColumns(0, start).columns(tokens)["text_offset"]
    whole = [
        start + len(text_of([t.value for t in tokens[:n]]).rstrip("\ufffd"))
        for n in range(len(tokens))
    ]
    if "\ufffd" not in text:
        assert offsets == whole


def test_an_entry_has_as_many_alternatives_as_were_asked_for() -> None:
    (token,) = scored([b"\xc3\xa9"])
    one = entry(token, 3)
    assert (one["token"], one["bytes"], one["logprob"]) == ("é", [0xC3, 0xA9], token.logprob)
    assert [top["logprob"] for top in one["top_logprobs"]] == [
        alternative.logprob for alternative in token.ranked[:3]
    ]
    assert entry(token, 0)["top_logprobs"] == []
