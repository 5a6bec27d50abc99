"""What is remembered of refused parameters."""

from dataclasses import replace

from gateway.config.store_settings import MemorySettings
from gateway.exchange.params.known_fixes import (
    ANY_MODEL,
    MAX_FIXES,
    FixesKey,
    KnownFixes,
    Worked,
    lessons,
)
from gateway.resolve.features import NO_REASONING, REASONING, TOOLS
from gateway.resolve.memory import CacheScope
from gateway.resolve.refusals.history.earlier_thinking import THINKING
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.fakes import FakeClock

SCOPE = CacheScope("openai", "a" * 64)
NONE = frozenset[str]()
DROP, RENAME = ParameterFix("drop", "seed"), ParameterFix("rename", "max_tokens", "limit")


def test_fixes_add_up_and_are_known_once() -> None:
    fixes = KnownFixes(MemorySettings(ttl=100), FakeClock())
    assert fixes.recall(SCOPE, "m", Shape.CHAT, NONE) == ()
    for fix in (DROP, RENAME, DROP):
        fixes.add(SCOPE, "m", Shape.CHAT, fix)
    assert fixes.recall(SCOPE, "m", Shape.CHAT, NONE) == (DROP, RENAME)


def test_they_hold_for_requests_with_the_same_effort() -> None:
    fixes = KnownFixes(MemorySettings(ttl=100), FakeClock())
    reasoning, unset = replace(DROP, effort=REASONING), replace(RENAME, effort="")
    for fix in (reasoning, unset, DROP):
        fixes.add(SCOPE, "m", Shape.CHAT, fix)
    for features, known in (
        ({TOOLS, REASONING}, (reasoning, DROP)),
        ({TOOLS}, (unset, DROP)),
        ({NO_REASONING}, (DROP,)),
    ):
        assert fixes.recall(SCOPE, "m", Shape.CHAT, frozenset(features)) == known


def test_the_newest_are_kept_where_a_client_invents_parameters() -> None:
    fixes = KnownFixes(MemorySettings(ttl=100), FakeClock())
    for number in range(2 * MAX_FIXES):
        fixes.add(SCOPE, "m", Shape.CHAT, ParameterFix("drop", f"x{number}"))
    fixes.add(SCOPE, "m", Shape.CHAT, DROP)
    known = fixes.recall(SCOPE, "m", Shape.CHAT, NONE)
    assert (len(known), known[-1]) == (MAX_FIXES, DROP)


def test_they_hold_for_one_credential_model_and_endpoint() -> None:
    fixes = KnownFixes(MemorySettings(ttl=100), FakeClock())
    fixes.add(SCOPE, "m", Shape.CHAT, DROP)
    for scope, model, shape in (
        (CacheScope("openai", "b" * 64), "m", Shape.CHAT),
        (SCOPE, "n", Shape.CHAT),
        (SCOPE, "m", Shape.RESPONSES),
    ):
        assert fixes.recall(scope, model, shape, NONE) == ()


def test_what_a_server_refuses_whatever_the_model_is_known_for_all() -> None:
    fixes = KnownFixes(MemorySettings(ttl=100), FakeClock())
    fixes.add(SCOPE, "m", Shape.CHAT, DROP)
    fixes.add(SCOPE, ANY_MODEL, Shape.CHAT, RENAME)
    assert fixes.recall(SCOPE, "m", Shape.CHAT, NONE) == (RENAME, DROP)
    assert fixes.recall(SCOPE, "n", Shape.CHAT, NONE) == (RENAME,)
    fixes.add(SCOPE, "n", Shape.CHAT, DROP)
    fixes.forget(SCOPE, "n", Shape.CHAT)
    assert fixes.recall(SCOPE, "n", Shape.CHAT, NONE) == ()
    assert fixes.recall(SCOPE, "m", Shape.CHAT, NONE) == (DROP,)


def test_they_expire_and_can_be_forgotten() -> None:
    clock = FakeClock()
    fixes = KnownFixes(MemorySettings(ttl=100), clock)
    fixes.add(SCOPE, "m", Shape.CHAT, DROP)
    fixes.add(SCOPE, "n", Shape.CHAT, DROP)
    fixes.forget(SCOPE, "n", Shape.CHAT)
    fixes.forget(SCOPE, "never known", Shape.CHAT)
    assert fixes.recall(SCOPE, "n", Shape.CHAT, NONE) == ()
    assert fixes.recall(SCOPE, "m", Shape.CHAT, NONE) == (DROP,)
    clock.advance(101)
    assert fixes.recall(SCOPE, "m", Shape.CHAT, NONE) == ()


def test_there_are_never_more_than_the_settings_allow() -> None:
    fixes = KnownFixes(MemorySettings(ttl=100, max_entries=2), FakeClock())
    for model in "abc":
        fixes.add(SCOPE, model, Shape.CHAT, DROP)
    known = [bool(fixes.recall(SCOPE, model, Shape.CHAT, NONE)) for model in "abc"]
    assert known == [False, True, True]


class Pages:
    """A journal that is kept."""

    def __init__(self) -> None:
        self.changes: list[Worked | None] = []

    def fixes(self, key: FixesKey, worked: Worked | None) -> None:
        assert key == (SCOPE, "m", Shape.CHAT)
        self.changes.append(worked)


def test_changes_go_into_the_journal_and_what_is_adopted_does_not() -> None:
    clock, pages = FakeClock(), Pages()
    fixes = KnownFixes(MemorySettings(ttl=100), clock)
    fixes.journal = pages
    key = (SCOPE, "m", Shape.CHAT)
    fixes.adopt(key, Worked((RENAME,), clock()))
    fixes.add(*key, DROP)
    assert list(fixes.entries()) == [(key, Worked((RENAME, DROP), clock()))]
    fixes.forget(*key)
    fixes.forget(*key)
    fixes.adopt(key, None)
    assert [worked and worked.fixes for worked in pages.changes] == [(RENAME, DROP), None]


def test_what_holds_for_one_request_is_no_lesson() -> None:
    passing = (
        ParameterFix("fit", "max_tokens", "9"),
        ParameterFix("replace", "output_config.effort", "high", "max", once=True),
        ParameterFix("room", "max_tokens", "9", once=True),
        ParameterFix("strip", THINKING),
    )
    assert list(lessons((*passing, DROP), {"seed"}, REASONING, is_here=True)) == [(DROP, None)]


def test_a_lesson_may_hold_for_all_models_or_for_an_effort() -> None:
    retell, drop = ParameterFix("retell", "role", "user"), ParameterFix("drop", "top_p")
    known = list(lessons((retell, drop), {"top_p"}, REASONING, is_here=False))
    assert known == [(retell, ANY_MODEL), (drop, None)]
    known = list(lessons((retell, drop), {"top_p"}, REASONING, is_here=True))
    assert known == [(retell, None), (replace(drop, effort=REASONING), None)]
