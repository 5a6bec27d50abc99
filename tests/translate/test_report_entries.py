"""The entries of a report, and the lists of its header."""

import pytest

from gateway.translate.report_entries import MAX_LISTED, listed, note


@pytest.mark.parametrize(
    ("entry", "noted"),
    [
        ("seed", "seed"),
        ("a;b,c\nd", "a_b_c_d"),
        ("n" * 121, "n" * 120),
        (";" * 121, "_" * 120),
    ],
)
def test_an_entry_is_short_and_printable(entry: str, noted: str) -> None:
    entries: list[str] = []
    note(entries, entry)
    note(entries, entry)
    assert entries == [noted]


def test_a_report_is_bounded() -> None:
    entries: list[str] = []
    for number in range(100):
        note(entries, f"messages[{number}]")
    assert len(entries) == 64


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (["a", "b"], "a,b"),
        (["ä"], "\\xe4"),
        (["n" * 100] * 6, ",".join(["n" * 100] * 6)),
        (["n" * 100] * 7, ",".join(["n" * 100] * 6) + ",..."),
        (["ä" * 300], ("\\xe4" * 300)[: MAX_LISTED - 3] + "..."),
    ],
)
def test_a_list_of_the_header_is_bounded(entries: list[str], text: str) -> None:
    assert listed(entries) == text
    assert len(text) <= MAX_LISTED
