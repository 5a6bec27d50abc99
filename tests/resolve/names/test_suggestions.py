"""Suggestions: which names are found, whose they are, and that finding them holds nobody up."""

import asyncio
import gc
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.resolve.metadata.lookup import ModelList
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.resolve.names import suggestions
from gateway.resolve.names.similarity import compared
from gateway.resolve.names.suggestions import NameIndex, Near, NearNames

ALIKE = [f"ft:gpt-4o-mini-2024-07-18:acme-corp:support-bot-v{i}:A{i:04d}bCd" for i in range(20_000)]
FAMILIES = [f"team-{a:02d}/model-x/variant-{b:02d}" for a in range(60) for b in range(60)]
LONG = [f"{'long-name-' * 49}{i:04d}-{'end-' * 4}" for i in range(3000)]
CROWD = [f"another-one-{i:03d}" for i in range(300)]


def listed(names: Iterable[str]) -> ModelList:
    return ModelList({name: ModelCard(name) for name in names})


def prepared(names: Iterable[str]) -> NameIndex:
    index = NameIndex(names)
    for _ in index.steps:
        pass
    return index


def found(asked: str, names: Sequence[str], configured: Sequence[str] = ()) -> list[str]:
    return asyncio.run(names_near(NearNames(configured), asked, listed(names)))[:3]


async def names_near(near: NearNames, asked: str, *lists: ModelList | None) -> list[str]:
    """Return the names alone."""
    return [each.name for each in await near.find(asked, lists)]


def slips(name: str, place: int) -> dict[str, str]:
    start, here, after, end = name[:place], name[place], name[place + 1], name[place + 2 :]
    return {
        "dropped": f"{start}{after}{end}",
        "doubled": f"{start}{here}{here}{after}{end}",
        "swapped": f"{start}{after}{here}{end}",
        "wrong": f"{start}~{after}{end}",
        "case": name.swapcase(),
    }


INDEXES = {
    name: prepared(names)
    for name, names in (("alike", ALIKE), ("families", FAMILIES), ("long", LONG), ("crowd", CROWD))
}
LISTS = {"alike": ALIKE, "families": FAMILIES, "long": LONG, "crowd": CROWD}


@given(st.data(), st.sampled_from(sorted(LISTS)))
def test_a_slip_of_the_finger_is_found_among_thousands_that_are_alike(
    data: st.DataObject, which: str
) -> None:
    meant = data.draw(st.sampled_from(LISTS[which]))
    place = data.draw(st.integers(0, len(meant) - 2))
    kind, asked = data.draw(st.sampled_from(list(slips(meant, place).items())))
    near = INDEXES[which].near(asked)
    assume(asked not in near)
    nearest = max(near.values())
    # What is meant is the nearest, or there are others that are as near: `v12` for `v1` and `v2`.
    assert near.get(meant) == nearest or sum(one == nearest for one in near.values()) >= 3, kind


@pytest.mark.parametrize("more", [[], CROWD, ALIKE])
@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gpt-4O-mini", "GPT-4o-Mini"),
        ("gpt-4o-mni", "gpt-4o-mini"),
        ("gpt-4o-mimi", "gpt-4o-mini"),
        ("gpt-4o", "openai/gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("openai/gpt-4o", "azure/gpt-4o"),
        ("gtp-4o", "openai/gpt-4o"),
        ("openai/gtp-4o", "gpt-4o"),
        ("llama3.1", "llama3.1:8b"),
        ("llama3.1:8b-instruct", "llama3.1"),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("claude-3.5-sonet", "claude-3-5-sonnet"),
        ("Straße-bot", "STRASSE-BOT"),
        ("n" * 512, "n" * 511),
        (f"{'n' * 255}m{'n' * 256}", "n" * 512),
    ],
)
def test_what_people_get_wrong_is_found(asked: str, name: str, more: list[str]) -> None:
    assert found(asked, [*more, name])[0] == name


def test_at_most_three_are_found_the_nearest_first() -> None:
    names = ["gpt-4o-mini-2024-07-18", "gpt-4o-mini", "gpt-4o", "gpt-4o-minis", "o1", "whisper"]
    assert found("gpt-4o-mimi", names) == ["gpt-4o-mini", "gpt-4o-minis", "gpt-4o"]
    assert found("nonesuch", names) == []
    assert found("nonesuch", []) == []
    assert found("", names) == []
    assert found("gpt-4o/", names)[0] == "gpt-4o"


def test_the_name_itself_is_not_suggested() -> None:
    assert found("gpt-4o", ["gpt-4o", "GPT-4o"], ["gpt-4o"]) == ["GPT-4o"]


def test_names_of_the_configuration_come_first_where_they_are_as_near() -> None:
    assert found("bot-3", ["bot-1", "bot-2"], ["bot-4"]) == ["bot-4", "bot-1", "bot-2"]
    assert asyncio.run(names_near(NearNames(["bot-4"]), "bot-3", None)) == ["bot-4"]
    assert asyncio.run(names_near(NearNames([]), "bot-3", None)) == []


def test_the_nearest_of_all_lists_come_first_and_say_where_they_are() -> None:
    lists = [listed(["bot-34", "bot-1"]), None, listed(["Bot-3", "bot-1", "bot-4"])]
    near = asyncio.run(NearNames(["bot-4"]).find("bot-3", lists))
    assert near == [
        *(Near("Bot-3", 2), Near("bot-4", None)),
        *(Near("bot-1", 0), Near("bot-34", 0)),
    ]


def test_a_vendors_many_models_do_not_push_out_the_one_of_that_name() -> None:
    names = [*(f"vendor-{i}/gpt-4o" for i in range(500)), "GPT-4o", "gpt-4o"]
    assert found("gpt-4O", names)[:2] == ["GPT-4o", "gpt-4o"]
    assert found("vendor-77/gpt-4O", names)[0] == "vendor-77/gpt-4o"
    many = [f"bot{'A' * i}{'a' * (40 - i)}" for i in range(40)]
    assert set(found("bot" + "a" * 39, many)) <= set(many)


def test_one_keys_list_says_nothing_to_another() -> None:
    async def scenario() -> None:
        near = NearNames([])
        alice, bob = listed(["acme-writer-v2"]), listed(["gpt-4o"])
        assert await names_near(near, "acme-writer-v3", alice) == ["acme-writer-v2"]
        assert await names_near(near, "acme-writer-v3", bob) == []
        assert await names_near(near, "acme-writer-v3", None) == []
        assert await names_near(near, "acme-writer-v3", alice) == ["acme-writer-v2"]

    asyncio.run(scenario())


def test_what_is_derived_from_a_list_goes_with_it() -> None:
    async def scenario() -> None:
        near = NearNames([])
        old = listed(CROWD)
        assert await names_near(near, "another-one-0007", old)
        assert len(near._kept) == 1
        del old
        gc.collect()
        assert len(near._kept) == 0
        assert await names_near(near, "another-one-0007", listed(["x"])) == []

    asyncio.run(scenario())


def test_only_so_many_names_are_kept_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "MAX_KEPT_NAMES", 1000)

    async def scenario() -> None:
        near = NearNames([])
        lists = [listed(CROWD) for _ in range(10)]
        for each in lists:
            assert await names_near(near, "another-one-0007", each)
        assert near._kept.currsize <= 1000

    asyncio.run(scenario())


def test_a_list_is_prepared_once_and_an_answer_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[NameIndex] = []
    asked: list[str] = []

    class Counting(NameIndex):
        def __init__(self, names: Iterable[str]) -> None:
            super().__init__(names)
            made.append(self)

        def near(self, name: str) -> dict[str, float]:
            asked.append(name)
            return super().near(name)

    monkeypatch.setattr(suggestions, "NameIndex", Counting)

    async def scenario() -> None:
        near = NearNames([])
        names = listed(CROWD)
        answers = await asyncio.gather(
            *(names_near(near, "another-one-0007", names) for _ in range(20))
        )
        answers[0].append("changed")
        answers.append(await names_near(near, "another-one-0007", names))
        assert answers[1:] == [answers[-1]] * 20
        assert len(made) == 2  # the configuration's and the list's
        assert asked == ["another-one-0007"] * 2

    asyncio.run(scenario())


def test_while_a_long_list_is_prepared_others_have_their_turn() -> None:
    async def scenario() -> None:
        near = NearNames([])
        names = listed(ALIKE)
        finding = asyncio.create_task(names_near(near, ALIKE[7].lower(), names))
        second = asyncio.create_task(names_near(near, ALIKE[8].lower(), listed(CROWD)))
        turns = 0
        while not finding.done():
            turns += 1
            await asyncio.sleep(0)
        assert await finding == [ALIKE[7], *(await finding)[1:]]
        assert await second == []
        assert turns > len(ALIKE) / 400

    asyncio.run(scenario())


def test_many_questions_at_once_are_answered_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compares: list[int] = []

    async def scenario() -> None:
        near, names, turns = NearNames([]), listed(CROWD), 0
        await names_near(near, "x", names)

        def noting(asked: str, given: Iterable[str]) -> Iterable[tuple[str, float]]:
            compares.append(turns)
            return compared(asked, given)

        monkeypatch.setattr(suggestions, "compared", noting)
        finding = asyncio.gather(
            *(names_near(near, f"another-one-{i:05d}", names) for i in range(20))
        )
        while not finding.done():
            turns += 1
            await asyncio.sleep(0)
        await finding

    asyncio.run(scenario())
    assert len(compares) == 40  # with the configuration's names and with the list's
    assert all(compares.count(turn) == 1 for turn in compares)


def test_who_leaves_leaves_the_rest_of_the_preparation_to_the_next() -> None:
    async def scenario() -> None:
        near = NearNames([])
        names = listed(ALIKE)
        leaving = asyncio.create_task(names_near(near, "x", names))
        for _ in range(20):
            await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert (await names_near(near, ALIKE[9].lower(), names))[0] == ALIKE[9]

    asyncio.run(scenario())


def test_nobody_waits_long_for_suggestions(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        near = NearNames([])
        names = listed(CROWD)
        with monkeypatch.context() as patched:
            patched.setattr(suggestions, "_PATIENCE", 0)
            assert await names_near(near, "another-one-0007", names) == []
        assert await names_near(near, "another-one-0007", names) != []

    asyncio.run(scenario())


@pytest.mark.parametrize("which", sorted(LISTS))
def test_however_many_names_there_are_few_are_compared(
    monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    sizes: list[int] = []

    def counting(asked: str, names: Iterable[str]) -> Iterable[tuple[str, float]]:
        given = list(names)
        sizes.append(len(given))
        return compared(asked, given)

    monkeypatch.setattr(suggestions, "compared", counting)
    meant = LISTS[which][150]
    for place in range(0, len(meant) - 2, 7):
        for asked in slips(meant, place).values():
            INDEXES[which].near(asked)
    assert max(sizes) < 400


def test_a_pattern_of_a_list_is_no_name() -> None:
    assert found("openai/gpt", ["openai/*", "openai/gpt-4", "*"]) == ["openai/gpt-4"]
