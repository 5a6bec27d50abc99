"""Names that have answered, and names that every endpoint has denied."""

import pytest

from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import CacheScope
from gateway.resolve.names.model_notes import ModelNotes
from gateway.shapes import Shape
from tests.fakes import FakeClock

CHAT = Shape.CHAT
ALICE, BOB = CacheScope("main", "alice"), CacheScope("main", "bob")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def notes(clock: FakeClock) -> ModelNotes:
    return ModelNotes(MemorySettings(ttl=100, negative_ttl=10, max_entries=3), clock)


def test_a_name_that_answered_is_known_to_its_owner_for_the_time_to_live(
    notes: ModelNotes, clock: FakeClock
) -> None:
    notes.note_answer(ALICE, "m", CHAT)
    assert notes.has_answered(ALICE, "m")
    assert not notes.has_answered(BOB, "m")
    assert not notes.has_answered(ALICE, "n")
    clock.advance(101)
    assert not notes.has_answered(ALICE, "m")


def test_a_name_that_goes_on_answering_stays_known(notes: ModelNotes, clock: FakeClock) -> None:
    for _ in range(10):
        notes.note_answer(ALICE, "m", CHAT)
        clock.advance(60)
        assert notes.has_answered(ALICE, "m")


def test_a_denied_name_has_not_answered(notes: ModelNotes) -> None:
    notes.note_denial(ALICE, "m")
    notes.note_answer(ALICE, "m", CHAT)
    notes.note_denial(ALICE, "m")
    assert not notes.has_answered(ALICE, "m")


def test_an_absent_name_is_so_for_a_short_while_or_until_it_answers(
    notes: ModelNotes, clock: FakeClock
) -> None:
    notes.note_absence(ALICE, "m")
    assert notes.is_absent(ALICE, "m")
    assert not notes.is_absent(BOB, "m")
    clock.advance(11)
    assert not notes.is_absent(ALICE, "m")
    notes.note_absence(ALICE, "m")
    notes.note_answer(ALICE, "m", CHAT)
    assert not notes.is_absent(ALICE, "m")


def test_a_note_that_is_recent_stays_as_it_is(notes: ModelNotes, clock: FakeClock) -> None:
    notes.note_answer(ALICE, "m", CHAT)
    clock.advance(20)
    notes.note_answer(ALICE, "m", CHAT)
    clock.advance(81)
    assert not notes.has_answered(ALICE, "m")


def test_invented_names_do_not_fill_the_memory(notes: ModelNotes) -> None:
    for number in range(10):
        notes.note_answer(ALICE, f"m{number}", CHAT)
        notes.note_absence(BOB, f"m{number}")
    assert sum(notes.has_answered(ALICE, f"m{number}") for number in range(10)) == 3
    assert sum(notes.is_absent(BOB, f"m{number}") for number in range(10)) == 3


def test_a_missing_route_is_the_upstreams_for_the_time_to_live(
    notes: ModelNotes, clock: FakeClock
) -> None:
    assert notes.missing_routes("main") == frozenset()
    notes.note_missing_route("main", Shape.MESSAGES)
    assert notes.missing_routes("main") == {Shape.MESSAGES}
    assert notes.missing_routes("other") == frozenset()
    clock.advance(101)
    assert notes.missing_routes("main") == frozenset()


def test_a_route_that_is_missing_behind_a_front_is_so_for_one_model(
    notes: ModelNotes, clock: FakeClock
) -> None:
    notes.note_missing_route_behind(ALICE, "m", Shape.MESSAGES)
    notes.note_missing_route_behind(ALICE, "m", Shape.RESPONSES)
    assert notes.missing_routes_behind(ALICE, "m") == {Shape.MESSAGES, Shape.RESPONSES}
    assert notes.missing_routes_behind(ALICE, "n") == frozenset()
    assert notes.missing_routes_behind(BOB, "m") == frozenset()
    assert notes.missing_routes("main") == frozenset()
    clock.advance(101)
    assert notes.missing_routes_behind(ALICE, "m") == frozenset()


def test_a_route_that_has_just_answered_is_there(notes: ModelNotes, clock: FakeClock) -> None:
    notes.note_answer(ALICE, "m", CHAT)
    assert notes.has_route("main", CHAT)
    assert not notes.has_route("main", Shape.RESPONSES)
    assert not notes.has_route("other", CHAT)
    clock.advance(9)
    notes.note_answer(BOB, "n", CHAT)
    clock.advance(9)
    assert notes.has_route("main", CHAT)
    clock.advance(1)
    assert not notes.has_route("main", CHAT)
