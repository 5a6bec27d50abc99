"""Learned endpoints: keyed by scope, bounded, expiring."""

from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import CacheScope, EndpointKey, Learned, LearnedEndpoints
from gateway.shapes import Shape
from tests.fakes import FakeClock

SETTINGS = MemorySettings(ttl=100, negative_ttl=10, max_entries=3)
ALICE = CacheScope("openai", "alice")
BOB = CacheScope("openai", "bob")
NONE: frozenset[str] = frozenset()
TOOLS = frozenset({"tools"})


def test_what_one_credential_learned_serves_no_other() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "m", None, Shape.CHAT)
    assert learned.recall(ALICE, "m", NONE)
    assert learned.recall(BOB, "m", NONE) is None
    assert learned.recall(CacheScope("other", "alice"), "m", NONE) is None


def test_what_depended_on_the_request_is_recalled_for_such_requests_only() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "m", None, Shape.CHAT)
    learned.learn(ALICE, "m", TOOLS, Shape.RESPONSES)
    with_tools = learned.recall(ALICE, "m", TOOLS)
    without = learned.recall(ALICE, "m", NONE)
    assert with_tools is not None
    assert with_tools.shape is Shape.RESPONSES
    assert without is not None
    assert without.shape is Shape.CHAT


def test_learned_endpoints_expire_and_know_their_age() -> None:
    clock = FakeClock()
    learned = LearnedEndpoints(SETTINGS, clock)
    learned.learn(ALICE, "m", None, Shape.CHAT)
    clock.advance(99)
    known = learned.recall(ALICE, "m", NONE)
    assert known is not None
    assert learned.age(known) == 99
    clock.advance(1)
    assert learned.recall(ALICE, "m", NONE) is None


def test_a_refusal_drops_what_was_learned_about_that_endpoint_only() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "m", None, Shape.CHAT)
    learned.forget(ALICE, "m", NONE, Shape.RESPONSES)
    assert learned.recall(ALICE, "m", NONE)
    learned.forget(ALICE, "m", NONE, Shape.CHAT)
    assert learned.recall(ALICE, "m", NONE) is None


def test_learned_endpoints_are_bounded() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    for number in range(10):
        learned.learn(ALICE, f"m{number}", None, Shape.CHAT)
    kept = [n for n in range(10) if learned.recall(ALICE, f"m{n}", NONE)]
    assert kept == [7, 8, 9]


def test_a_model_in_use_outlives_any_number_of_other_names() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "in-use", None, Shape.CHAT)
    for number in range(50):
        learned.learn(BOB, f"made-up-{number}", None, Shape.RESPONSES)
        assert learned.recall(ALICE, "in-use", TOOLS, Shape.MESSAGES)
    assert len(list(learned.entries())) == SETTINGS.max_entries


def test_what_depended_on_the_endpoint_called_is_recalled_for_its_clients_only() -> None:
    learned = LearnedEndpoints(MemorySettings(), FakeClock())
    learned.learn(ALICE, "m", Shape.RESPONSES, Shape.CHAT)
    known = learned.recall(ALICE, "m", TOOLS, Shape.RESPONSES)
    assert known is not None
    assert known.shape is Shape.CHAT
    assert learned.recall(ALICE, "m", NONE, Shape.COMPLETIONS) is None
    assert learned.recall(ALICE, "m", NONE) is None
    learned.forget(ALICE, "m", NONE, Shape.CHAT)
    assert learned.recall(ALICE, "m", NONE, Shape.RESPONSES) is None


def test_what_holds_for_all_requests_comes_before_what_depended_on_the_endpoint() -> None:
    learned = LearnedEndpoints(MemorySettings(), FakeClock())
    learned.learn(ALICE, "m", Shape.RESPONSES, Shape.CHAT)
    learned.learn(ALICE, "m", None, Shape.COMPLETIONS)
    known = learned.recall(ALICE, "m", NONE, Shape.RESPONSES)
    assert known is not None
    assert known.shape is Shape.COMPLETIONS


class Pages:
    """A journal that is kept."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Shape | None]] = []

    def endpoint(self, key: EndpointKey, learned: Learned | None) -> None:
        self.changes.append((key[1], learned.shape if learned is not None else None))


def test_what_is_learned_and_forgotten_goes_into_the_journal() -> None:
    learned, pages = LearnedEndpoints(SETTINGS, FakeClock()), Pages()
    learned.journal = pages
    learned.learn(ALICE, "m", None, Shape.CHAT)
    learned.forget(ALICE, "m", NONE, Shape.RESPONSES)
    learned.forget(ALICE, "m", NONE, Shape.CHAT)
    assert pages.changes == [("m", Shape.CHAT), ("m", None)]


def test_what_is_adopted_does_not() -> None:
    clock, pages = FakeClock(), Pages()
    learned = LearnedEndpoints(SETTINGS, clock)
    learned.journal = pages
    key = (ALICE, "m", None)
    learned.adopt(key, Learned(Shape.CHAT, clock() - 60))
    assert [each for each, _ in learned.entries()] == [key]
    known = learned.recall(ALICE, "m", NONE)
    assert known is not None
    assert learned.age(known) == 60
    clock.advance(40)
    assert learned.recall(ALICE, "m", NONE) is None
    learned.adopt(key, None)
    assert pages.changes == []


def test_a_change_that_is_adopted_is_one_of_the_memory() -> None:
    clock = FakeClock()
    learned = LearnedEndpoints(SETTINGS, clock)
    key = (ALICE, "m", None)
    versions = []
    for shape in (Shape.CHAT, Shape.CHAT, Shape.RESPONSES, None, None):
        learned.adopt(key, Learned(shape, clock()) if shape is not None else None)
        versions.append(learned.version)
    assert versions == [1, 1, 2, 3, 3]


def test_an_operator_drops_what_was_learned_of_a_model_for_every_key() -> None:
    learned, pages = LearnedEndpoints(MemorySettings(), FakeClock()), Pages()
    other = CacheScope("another", ALICE.fingerprint)
    for scope, model, holds_for in (
        (ALICE, "m", None),
        (ALICE, "m", frozenset({"tools"})),
        (BOB, "m", Shape.CHAT),
        (ALICE, "n", None),
        (other, "m", None),
    ):
        learned.learn(scope, model, holds_for, Shape.RESPONSES)
    before = learned.version
    learned.journal = pages
    assert learned.drop(ALICE.upstream, "m") == 3
    assert pages.changes == [("m", None)] * 3
    assert [(key[0], key[1]) for key, _ in learned.entries()] == [(ALICE, "n"), (other, "m")]
    assert learned.version == before + 3
    learned.journal = None
    assert (learned.drop(ALICE.upstream, "n"), learned.drop("none", "n")) == (1, 0)
