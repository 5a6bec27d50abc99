"""Which of several upstreams has a model: its list says so, or an answer of before."""

import asyncio

import pytest

from gateway.config.settings import UpstreamSettings
from gateway.errors import UpstreamUnavailable
from gateway.resolve.evidence import Route
from gateway.servers import Profile
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.fakes import Answer, error_reply
from tests.resolve.test_resolver import ALICE, OPENAI, Scene, models, nothing

FIRST = UpstreamSettings("first", "http://127.0.0.1:8001/v1", kinds.OTHER)
SECOND = UpstreamSettings("second", "http://127.0.0.1:8002/v1", kinds.OTHER)
THIRD = UpstreamSettings("third", "http://127.0.0.1:8003/v1", kinds.OTHER)
CLAUDE = UpstreamSettings("claude", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
UNREADABLE = error_reply(403, "Missing scopes: api.model.read")


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
        scene.resolver.notes.note_answer(scope, "m", Shape.CHAT)
        assert (await scene.ask("m")).upstream == "second"
        scene.resolver.notes.note_denial(scope, "m")
        scene.clock.advance(2)
        assert (await scene.ask("m")).upstream == "first"
        await scene.resolver.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("model", ["openai/gpt-oss-120b", "gpt-oss:20b", "text-davinci-003"])
def test_a_well_known_name_that_openai_does_not_serve_is_searched_on_the_lists(model: str) -> None:
    lists = Lists(openai=["gpt-4o"], second=[model])
    route = Scene(lists, OPENAI, SECOND).route(model)
    assert (route.upstream, route.shape) == ("second", Shape.CHAT)
    assert Scene(lists, OPENAI, FIRST).route(model).upstream == "openai"


@pytest.mark.parametrize(
    ("model", "upstream"),
    [
        ("gpt-4o-mini", "openai"),
        ("ft:gpt-4o-mini:acme:bot:8def5678", "openai"),
        ("claude-opus-5-5", "claude"),
        ("llama-3", "first"),
        ("gpt-oss-20b", "first"),
    ],
)
def test_a_name_stands_in_for_a_list_that_cannot_be_read(model: str, upstream: str) -> None:
    async def scenario() -> None:
        lists = Lists(first=["a"], openai=UNREADABLE, claude=UNREADABLE)
        scene = Scene(lists, FIRST, OPENAI, CLAUDE)
        assert (await scene.ask(model)).upstream == upstream
        assert await scene.resolver.upstream_of(model, ALICE) == upstream

    asyncio.run(scenario())


def test_a_name_says_nothing_against_a_list_that_lacks_it() -> None:
    lists = Lists(first=["a"], openai=["gpt-4o"])
    assert Scene(lists, FIRST, OPENAI).route("gpt-4o-mini").upstream == "first"


NAMES_BESIDE_A_LIST = [
    (kinds.OLLAMA, "llama3.2:latest", "llama3.2"),
    (kinds.OLLAMA, "hf.co/org/Model-GGUF:latest", "hf.co/org/Model-GGUF"),
    (kinds.HUGGINGFACE, "openai/gpt-oss-120b", "openai/gpt-oss-120b:cerebras"),
    (kinds.HUGGINGFACE, "openai/gpt-oss-120b", "openai/gpt-oss-120b:fastest"),
    (kinds.OPENROUTER, "openai/gpt-6-sol", "openai/gpt-6-sol:nitro"),
    (kinds.OPENROUTER, "org/model:free", "org/model:free:floor"),
    (kinds.ANTHROPIC, "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
    (kinds.ANTHROPIC, "claude-opus-4-20250514", "claude-opus-4-0"),
    (kinds.ANTHROPIC, "claude-3-7-sonnet-20250219", "claude-3-7-sonnet-latest"),
    (kinds.XAI, "grok-4-0709", "grok-4"),
    (kinds.XAI, "grok-4-0709", "grok-4-latest"),
    (kinds.XAI, "grok-3", "grok-3-latest"),
]


@pytest.mark.parametrize(("kind", "listed", "asked"), NAMES_BESIDE_A_LIST)
def test_a_list_has_a_model_under_another_name_than_a_request(
    kind: Profile, listed: str, asked: str
) -> None:
    async def scenario() -> None:
        home = UpstreamSettings("home", "http://127.0.0.1:8002/v1", kind)
        scene = Scene(Lists(first=["a"], home=[listed]), FIRST, home)
        route = await scene.ask(asked)
        assert route.upstream == await scene.resolver.upstream_of(asked, ALICE) == "home"
        assert route.model_sent == asked
        assert any(piece.exists for piece in route.evidence)
        assert "not among" not in details(route)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kind", "listed", "asked"),
    [
        (kinds.OLLAMA, "llama3.2:latest", "llama3.2:1b"),
        (kinds.OLLAMA, "llama3.2:1b", "llama3.2"),
        (kinds.OPENROUTER, "org/model", "org/model:free"),
        (kinds.HUGGINGFACE, "org/model", "org/other:fastest"),
        (kinds.HUGGINGFACE, "org/model", "model"),
        (kinds.ANTHROPIC, "claude-sonnet-4-5-20250929", "claude-sonnet-4"),
        (kinds.XAI, "grok-4-0709", "grok-3"),
        (kinds.OTHER, "llama3.2:latest", "llama3.2"),
    ],
)
def test_no_other_name_leads_there(kind: Profile, listed: str, asked: str) -> None:
    home = UpstreamSettings("home", "http://127.0.0.1:8002/v1", kind)
    lists = Lists(first=["a"], home=[listed])
    assert Scene(lists, FIRST, home).route(asked).upstream == "first"


@pytest.mark.parametrize("pattern", ["openai/*", "*", "openai/*-mini"])
def test_a_pattern_in_a_list_has_the_models_that_it_matches(pattern: str) -> None:
    async def scenario() -> None:
        lists = Lists(first=["a"], second=["b", pattern], third=["openai/c-mini", pattern])
        scene = Scene(lists, FIRST, SECOND, THIRD)
        route = await scene.ask("openai/gpt-mini")
        assert route.upstream == "second"
        assert await scene.resolver.upstream_of("openai/gpt-mini", ALICE) == "second"
        assert f'matches "{pattern}" in the model list' in details(route)
        assert "not among" not in details(route)
        # A list that has the very name comes first, and what does not match is nowhere.
        assert (await scene.ask("openai/c-mini")).upstream == "third"
        other = await scene.ask("house/m")
        assert other.upstream == ("second" if pattern == "*" else "first")
        await scene.resolver.aclose()

    asyncio.run(scenario())


def test_a_list_with_a_pattern_is_not_read_again_for_each_name() -> None:
    async def scenario() -> None:
        scene = Scene(Lists(first=["openai/*"]), FIRST)
        await scene.ask("openai/gpt-mini")
        asked = len(scene.network.calls)
        scene.clock.advance(20)
        await scene.ask("openai/gpt-mini")
        listings = [call for call in scene.network.calls[asked:] if call.path == "/models"]
        assert listings == []
        await scene.resolver.aclose()

    asyncio.run(scenario())
