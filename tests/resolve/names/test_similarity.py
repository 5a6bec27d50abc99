"""How alike names are: by the longest common subsequence, with slips and containment before it."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.names import similarity
from gateway.resolve.names.similarity import CUTOFF, compared, shortened

TEXTS = st.text("ab-", max_size=12)


def common(one: str, other: str) -> int:
    """Return the length of the longest common subsequence, by the textbook's table."""
    row = [0] * (len(other) + 1)
    for character in one:
        before = row
        row = [0]
        for at, match in enumerate(other):
            row.append(before[at] + 1 if character == match else max(row[at], before[at + 1]))
    return row[-1]


@given(TEXTS.filter(bool), TEXTS.filter(bool))
def test_names_are_as_alike_as_their_longest_common_subsequence_is_long(
    asked: str, name: str
) -> None:
    ratio = 2 * common(asked, name) / (len(asked) + len(name))
    found = dict(compared(asked, [name]))
    slip = max(CUTOFF, 1 - 0.5 / len(asked))
    if asked == name or ratio < CUTOFF:
        assert found.get(name) in {1 if asked == name else None, CUTOFF, 0.8, slip}
    else:
        assert any(found[name] == pytest.approx(known) for known in (ratio, 0.8, slip))
        assert found[name] >= min(ratio, slip) or found[name] == pytest.approx(min(ratio, slip))


@given(TEXTS, TEXTS)
def test_what_difflib_finds_near_is_near(asked: str, name: str) -> None:
    if asked and name and SequenceMatcher(None, asked, name).ratio() >= CUTOFF:
        assert dict(compared(asked, [name]))


@pytest.mark.parametrize("slip", ["gpt-4o-min", "gpt-4o-miini", "gtp-4o-mini", "gpt-4o-mimi"])
def test_one_slip_is_nearer_than_any_other_difference(slip: str) -> None:
    near = dict(compared(slip, ["gpt-4o-mini", "gpt-4-mni", "gpt-4o-2"]))
    assert max(near, key=lambda name: near[name]) == "gpt-4o-mini"
    assert near["gpt-4o-mini"] == pytest.approx(1 - 0.5 / 11, abs=0.01)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("llama3.1", "llama3.1:8b-instruct-q4_K_M"),
        ("gpt-4o-mini-2024-07-18-preview", "gpt-4o-mini"),
        ("gpt-4o", "some-reseller/gpt-4o"),
        ("a@2024", "a"),
    ],
)
def test_names_that_only_lack_a_part_of_the_other_are_near(asked: str, name: str) -> None:
    assert dict(compared(asked, [name]))[name] >= 0.8


@pytest.mark.parametrize(
    ("asked", "name"),
    [("gpt", "gpt4-and-more-of-it"), ("mini", "gpt-4o-mini-mini"), ("", "gpt-4o"), ("o1", "o3")],
)
def test_a_piece_of_a_name_is_not(asked: str, name: str) -> None:
    assert dict(compared(asked, [name])) == {}


def test_a_name_is_shortened_at_its_separators() -> None:
    assert list(shortened("llama3.1:8b")) == ["llama3.1", "llama3"]
    assert list(shortened("-x")) == []


def test_however_long_the_names_only_so_much_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def counting(one: str, other: str) -> int:
        taken.append(len(one) + len(other))
        return 0

    monkeypatch.setattr(similarity, "_common", counting)
    names = [f"{'ab' * 20}{chr(200 + i) * 300}{'cd' * 80}" for i in range(50)]
    assert list(compared("x".join(["ab" * 20, "cd" * 80]) + "y" * 260, names)) == []
    assert 0 < sum(taken) <= 1000
