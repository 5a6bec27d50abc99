"""Nobody is advised to use a model that is gone."""

from datetime import date

import pytest

from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.names.successors import MAX_ALTERNATIVES, Fate, living_successor
from tests import kinds

DAY = date(2026, 11, 28)
PAST, LATER = date(2026, 10, 23), date(2026, 12, 11)
FATES = {
    "gone": Fate(PAST, "new"),
    "today": Fate(DAY, "new"),
    "leaving": Fate(LATER, "new"),
    "long-gone": Fate(PAST, "gone"),
    "circle": Fate(PAST, "round"),
    "round": Fate(PAST, "circle"),
    "itself": Fate(PAST, "itself"),
    "dead-end": Fate(PAST),
    "split": Fate(PAST, "new, gone or other"),
    "noted": Fate(PAST, "new (reasoning.mode: pro)"),
    "words": Fate(PAST, "fine-tune a current base via /v1/fine_tuning/jobs"),
    "many": Fate(PAST, "a, b, c, d or e"),
    **{f"step-{n}": Fate(PAST, f"step-{n + 1}") for n in range(20)},
    "step-20": Fate(),
}


def followed(advice: str, day: date = DAY, model: str = "asked") -> str | None:
    return living_successor(model, advice, lambda name: FATES.get(name, Fate()), day)


@pytest.mark.parametrize(
    ("advice", "living"),
    [
        ("new", "new"),
        ("gone", "new"),
        ("today", "new"),
        ("leaving", "leaving"),
        ("long-gone", "new"),
        ("dead-end", None),
        ("circle", None),
        ("itself", None),
        ("asked", None),
        ("circle or new", "new"),
        ("gone or new", "new"),
        ("other or gone", "other or new"),
        ("one, two or gone", "one, two or new"),
        ("one, two, or gone", "one, two or new"),
        ("one and gone", "one or new"),
        ("split", "new or other"),
        ("gone (chat)", "new"),
        ("new (chat)", "new (chat)"),
        ("noted", "new (reasoning.mode: pro)"),
        ("new (a, b) or gone", "new (a, b) or new"),
        ("other (this or that)", "other (this or that)"),
        ("words", "fine-tune a current base via /v1/fine_tuning/jobs"),
        ("fine-tune a current base via gone", "fine-tune a current base via gone"),
        ("the most capable model available to you", "the most capable model available to you"),
        ("step-0", None),
        ("step-13", "step-20"),
        ("", ""),
    ],
)
def test_advice_is_followed_to_models_that_live(advice: str, living: str | None) -> None:
    assert followed(advice) == living


def test_what_leads_back_to_the_model_itself_is_left_out() -> None:
    assert followed("round or new", model="circle") == "new"


def test_the_day_decides() -> None:
    assert followed("leaving", LATER) == "new"
    assert followed("gone", date(2026, 10, 22)) == "gone"


def test_a_choice_stays_small() -> None:
    advice = followed("many")
    assert advice == "a, b, c or d"
    assert advice.count(",") + 2 == MAX_ALTERNATIVES


@pytest.mark.parametrize("day", [date(2024, 2, 1), DAY, LATER, date(2027, 6, 1)])
def test_no_advice_of_the_catalogue_leads_to_a_model_that_is_gone(day: date) -> None:
    catalogue = Catalogue.load()

    def fate_of(model: str) -> Fate:
        entry = catalogue.lookup(model, kinds.OPENAI)
        return Fate(entry.retired, entry.replacement) if entry else Fate()

    for entry in catalogue.entries:
        if entry.replacement is None:
            continue
        advice = living_successor(entry.pattern, entry.replacement, fate_of, day)
        assert advice, entry.pattern
        if " " not in advice:
            assert (fate_of(advice).retired or date.max) > day, entry.pattern
