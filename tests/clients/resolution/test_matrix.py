"""The table: what the metadata does, the client's shape, where the model lives, plain or streamed.

The model has a name that says nothing, and is denied at every other endpoint in either of OpenAI's
ways. It is found with at most one call of each endpoint, with one from then on; and only the first
request may wait for look-ups, for `timeouts.metadata` at the most.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.shapes import Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT
from tests.clients.resolution.scene import (
    BASES,
    EMPTY,
    HOMES,
    MALFORMED,
    MODEL,
    NO_ROUTE,
    RESTRICTED,
    TOO_MANY,
    Denial,
    Metadata,
    Scene,
    at_once,
    held,
    jobs,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, NEGATIVE_TTL, TTL, Stage, set_up

pytestmark = pytest.mark.anyio


def metadata_for(home: Shape) -> dict[str, tuple[Metadata, Metadata]]:
    """Return what /models and /fine_tuning/jobs do, by name, for a model that lives somewhere."""
    listed, made = listing("another", MODEL), jobs((MODEL, BASES[home]))
    return {
        "restricted": (at_once(RESTRICTED), at_once(RESTRICTED)),
        "list only": (at_once(listed), at_once(NO_ROUTE)),
        "jobs only": (at_once(RESTRICTED), at_once(made)),
        "empty list": (at_once(EMPTY), at_once(EMPTY)),
        "no routes": (at_once(NO_ROUTE), at_once(NO_ROUTE)),
        "hung list": (held(listed), at_once(RESTRICTED)),
        "hung jobs": (at_once(listed), held(made)),
        "slow": (held(listed), held(made)),
        "429": (at_once(TOO_MANY), at_once(TOO_MANY)),
        "malformed": (at_once(MALFORMED), at_once(MALFORMED)),
    }


UNREADABLE: dict[str, tuple[Metadata, Metadata]] = {
    "restricted": (at_once(RESTRICTED), at_once(RESTRICTED)),
    "jobs only": (at_once(RESTRICTED), at_once(jobs(("another", "davinci-002")))),
    "empty list": (at_once(EMPTY), at_once(EMPTY)),
    "no routes": (at_once(NO_ROUTE), at_once(NO_ROUTE)),
    "hung list": (held(EMPTY), at_once(RESTRICTED)),
    "slow": (held(EMPTY), held(EMPTY)),
    "429": (at_once(TOO_MANY), at_once(TOO_MANY)),
    "malformed": (at_once(MALFORMED), at_once(MALFORMED)),
}
READABLE: dict[str, tuple[Metadata, Metadata]] = {
    "list only": (at_once(listing("another")), at_once(NO_ROUTE)),
    "both": (at_once(listing("another")), at_once(jobs(("another", "davinci-002")))),
    "hung jobs": (at_once(listing("another")), held(EMPTY)),
}


def cells() -> Iterator[tuple[str, Shape, Shape, Denial]]:
    for name in metadata_for(Shape.CHAT):
        for client in Shape:
            for home in HOMES:
                for denial in Denial if home is not client else [Denial.ABSENT]:
                    yield name, client, home, denial


@pytest.fixture(scope="module", params=[kinds.AUTO, kinds.OPENAI])
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with set_up(request.param) as made:
        yield made


@pytest.fixture
def stage(shared: Stage) -> Stage:
    """The gateway has forgotten what its server has shown to any test before, as in any order."""
    shared.clock.advance(TTL + A_MOMENT)
    return shared


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(("metadata", "client", "home", "denial"), list(cells()))
async def test_a_model_is_found_whatever_the_metadata_does(
    stage: Stage, metadata: str, client: Shape, home: Shape, denial: Denial, streamed: bool
) -> None:
    models, made = metadata_for(home)[metadata]
    scene = stage.set(Scene("found", home, models, made, denial))

    first, calls = await stage.answered(scene, client, streamed=streamed, waits=True)
    assert first == RIGHT[client]
    assert len(calls) <= stage.most_calls
    assert len(set(calls)) == len(calls)

    stage.clock.advance(A_MOMENT)
    looked_up = list(scene.lookups)
    again = await stage.answered(scene, client, streamed=streamed)
    assert again == (RIGHT[client], [home])
    assert scene.lookups == looked_up

    stage.clock.advance(NEGATIVE_TTL)
    assert await stage.answered(scene, client, streamed=streamed) == (RIGHT[client], [home])

    scene.released.set()
    stage.clock.advance(A_MOMENT)
    assert await stage.answered(scene, client, streamed=streamed) == (RIGHT[client], [home])


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("client", list(Shape))
@pytest.mark.parametrize("metadata", list(UNREADABLE))
async def test_a_model_that_nobody_can_see_and_that_is_not_there_costs_little(
    stage: Stage, metadata: str, client: Shape, streamed: bool
) -> None:
    scene = stage.set(Scene("absent", None, *UNREADABLE[metadata]))

    async def refused(*, waits: bool = False) -> list[Shape]:
        before = len(scene.calls)
        reply = await stage.ask(scene, client, streamed=streamed, waits=waits)
        assert (reply.status, reply.error["code"]) == (404, "model_not_found")
        assert reply.error["param"] == "model"
        assert f"The model `{MODEL}` does not exist" in reply.error["message"]
        return scene.calls[before:]

    first = await refused(waits=True)
    assert first[0] is stage.asked_first(client)
    assert 1 < len(first) <= stage.most_calls
    assert len(set(first)) == len(first)
    for _ in range(3):
        stage.clock.advance(A_MOMENT)
        assert await refused() == [stage.asked_first(client)]
    # It may have been made meanwhile.
    scene.released.set()
    stage.clock.advance(NEGATIVE_TTL)
    assert 1 < len(await refused(waits=True)) <= stage.most_calls
    stage.clock.advance(A_MOMENT)
    assert await refused() == [stage.asked_first(client)]


@pytest.mark.parametrize("client", list(Shape))
@pytest.mark.parametrize("metadata", ["restricted", "no routes", "429", "malformed"])
async def test_a_model_that_was_not_there_is_found_when_it_is(
    stage: Stage, metadata: str, client: Shape
) -> None:
    home = Shape.COMPLETIONS if client is not Shape.COMPLETIONS else Shape.CHAT
    scene = stage.set(Scene("later", None, *UNREADABLE[metadata]))
    assert (await stage.ask(scene, client)).status == 404
    scene.home = home
    stage.clock.advance(NEGATIVE_TTL)
    stage.clock.advance(A_MOMENT)
    first, calls = await stage.answered(scene, client)
    assert first == RIGHT[client]
    assert len(calls) <= stage.most_calls
    assert await stage.answered(scene, client) == (RIGHT[client], [home])


@pytest.mark.parametrize("client", list(Shape))
@pytest.mark.parametrize("metadata", list(READABLE))
async def test_a_readable_list_without_the_model_is_believed_after_one_call(
    stage: Stage, metadata: str, client: Shape
) -> None:
    scene = stage.set(Scene("unlisted", None, *READABLE[metadata]))
    reply = await stage.ask(scene, client, waits=True)
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")
    assert "not the one model that this key sees" in reply.error["message"]
    assert scene.calls == [stage.asked_first(client)]
    stage.clock.advance(A_MOMENT)
    assert (await stage.ask(scene, client)).status == 404
    assert scene.calls == [stage.asked_first(client)] * 2


async def test_other_models_of_the_key_are_not_held_against_it(stage: Stage) -> None:
    """What is remembered as absent is one name, for one key."""
    scene = stage.set(Scene("mixed", Shape.CHAT, *UNREADABLE["restricted"]))
    other = stage.set(Scene("other", Shape.CHAT, *UNREADABLE["restricted"]))
    missing = Scene(scene.key, None, scene.models, scene.jobs, model="ft-a-slip")
    assert (await stage.ask(missing, Shape.COMPLETIONS)).status == 404
    assert (await stage.answered(scene, Shape.COMPLETIONS))[0] == RIGHT[Shape.COMPLETIONS]
    same_name = Scene(other.key, None, other.models, other.jobs, model="ft-a-slip")
    assert (await stage.ask(same_name, Shape.COMPLETIONS)).status == 404
    assert len(other.calls) > 1
