"""Which of several upstreams has a model: its list says so, or an answer of before."""

import asyncio

from gateway.config.settings import UpstreamSettings
from gateway.errors import UpstreamUnavailable
from gateway.resolve.evidence import Route
from gateway.shapes import UpstreamCall
from tests import kinds
from tests.fakes import Answer, error_reply
from tests.resolve.test_resolver import ALICE, Scene, models, nothing

FIRST = UpstreamSettings("first", "http://127.0.0.1:8001/v1", kinds.OTHER)
SECOND = UpstreamSettings("second", "http://127.0.0.1:8002/v1", kinds.OTHER)
THIRD = UpstreamSettings("third", "http://127.0.0.1:8003/v1", kinds.OTHER)


class Lists:
    """What the upstreams list; an `Answer` for those that do not."""

    def __init__(self, **lists: list[str] | Answer) -> None:
        self.lists = lists

    def __call__(self, call: UpstreamCall) -> Answer:
        listed = self.lists.get(call.upstream, [])
        if call.path != "/models":
            return nothing(call)
        return models(*listed) if isinstance(listed, list) else listed


def details(route: Route) -> str:
    return "; ".join(piece.detail for piece in route.evidence)


def test_the_first_that_lists_it_is_taken_and_nothing_else_is_said() -> None:
    lists = Lists(first=error_reply(429, "slow down"), second=["m"], third=["m"])
    route = Scene(lists, FIRST, SECOND, THIRD).route("m")
    assert route.upstream == "second"
    assert "the model list of" not in details(route)


def test_where_none_lists_it_those_that_could_not_be_read_are_named() -> None:
    lists = Lists(first=["a"], second=error_reply(429, "slow down"), third=["c"])
    route = Scene(lists, FIRST, SECOND, THIRD).route("m")
    assert route.upstream == "first"
    assert route.unconfirmed
    assert (
        "the model list of upstream 'second' could not be read (GET /models: status 429)"
        in details(route)
    )
    assert "'third'" not in details(route)
    assert not route.unreadable


def test_the_one_that_is_asked_for_the_model_says_so_itself() -> None:
    lists = Lists(first=UpstreamUnavailable("gone"), second=["b"])
    route = Scene(lists, FIRST, SECOND).route("m")
    assert route.upstream == "first"
    assert details(route).count("the model list could not be read") == 1
    assert "of upstream" not in details(route)
    assert route.unreadable


def test_the_one_that_has_answered_for_it_is_taken_where_no_list_says_more() -> None:
    async def scenario() -> None:
        scene = Scene(Lists(first=["a"], second=["b"]), FIRST, SECOND)
        scope = scene.lookup.scope("second", ALICE)
        scene.resolver.notes.answered(scope, "m")
        assert (await scene.ask("m")).upstream == "second"
        scene.resolver.notes.denied(scope, "m")
        scene.clock.advance(2)
        assert (await scene.ask("m")).upstream == "first"
        await scene.resolver.aclose()

    asyncio.run(scenario())
