"""What is UTF-8, how far two texts are the same, in pieces as in the whole, and who says one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway.texts
from gateway.texts import check_utf8, in_system_tags, shared_start


def complaint(body: bytes, *, whole: bool) -> str:
    try:
        body.decode("utf-8") if whole else check_utf8(body)
    except UnicodeDecodeError as error:
        return str(error)
    return ""


TEXTS = st.text(max_size=64).map(str.encode)


@given(st.binary(max_size=64) | TEXTS | st.tuples(TEXTS, st.binary(max_size=4)).map(b"".join))
def test_pieces_are_judged_as_the_whole(body: bytes) -> None:
    for piece in (4, 5, 8, 8192):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gateway.texts, "_PIECE", piece)
            assert complaint(body, whole=False) == complaint(body, whole=True)


@pytest.mark.parametrize("character", ["é", "→", "😀"])
def test_a_character_may_lie_across_the_end_of_a_piece(character: str) -> None:
    encoded = character.encode()
    for before in range(8 * 1024 - 4, 8 * 1024 + 1):
        body = b"a" * before + encoded + b"b" * 8 * 1024
        check_utf8(body)
        assert complaint(body + encoded[:-1], whole=False) == complaint(
            body + encoded[:-1], whole=True
        )
        wrong = body[: before + 1] + b"a" + body[before + 1 :]
        assert complaint(wrong, whole=False) == complaint(wrong, whole=True) != ""


def test_ascii_needs_no_decoding() -> None:
    check_utf8(b"")
    check_utf8(b"a\x7f" * 10_000)


@given(st.text("ab→", max_size=40), st.text("ab→", max_size=40), st.integers(0, 12))
def test_two_texts_are_the_same_up_to_the_first_difference(
    one: str, other: str, kilobytes: int
) -> None:
    before = "a" * 1024 * kilobytes
    for ours, theirs in ((before + one, before + other), (one, one), (one, one + other)):
        shared = shared_start(ours, theirs)
        assert ours[:shared] == theirs[:shared]
        assert ours[shared : shared + 1] != theirs[shared : shared + 1] or ours == theirs
        as_bytes = shared_start(ours.encode(), theirs.encode())
        assert 0 <= as_bytes - len(ours[:shared].encode()) <= 2, "perhaps a part of a character"


def test_what_the_system_says_can_be_told_from_what_the_user_says() -> None:
    assert in_system_tags("Be brief.") == "<system>\nBe brief.\n</system>"
