"""What translations know beside the request."""

from dataclasses import replace

import pytest
from msgspec import structs

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.exchange.contexts import Contexts, session_of
from gateway.exchange.stored.seals import Seals
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route, Source
from gateway.servers.reading import Abilities
from gateway.shapes import ItemNames, Shape
from gateway.translate.contract import Context
from tests import kinds

OPENAI = UpstreamSettings("openai", "https://api.openai.com/v1", kinds.OPENAI)
ROUTE = Route("openai", "m", "m", kinds.OPENAI, Shape.CHAT, (Shape.CHAT,), Source.CATALOGUE)


def contexts(seals: Seals | None = None) -> Contexts:
    return Contexts(Settings((OPENAI,)), lambda: 1_795_000_000.5, seals=seals)


def context(made: Contexts, route: Route, shape: Shape) -> Context:
    return made.for_route(route, shape).context


def test_a_known_context_length_bounds_the_translation() -> None:
    made = contexts()
    unknown = context(made, ROUTE, Shape.COMPLETIONS)
    known = context(made, replace(ROUTE, context_length=4096), Shape.COMPLETIONS)
    assert unknown.capabilities.context_length is None
    assert known.capabilities.context_length == 4096
    assert known.now == 1_795_000_000


def test_a_context_is_made_again_each_second_and_for_each_route_and_endpoint() -> None:
    clock = iter((10.1, 10.9, 10.9, 10.9, 11.0, 10.0))
    made = Contexts(Settings((OPENAI,)), lambda: next(clock))
    first = context(made, ROUTE, Shape.CHAT)
    assert context(made, ROUTE, Shape.CHAT) is first
    renamed = context(made, replace(ROUTE, model_sent="other"), Shape.CHAT)
    assert renamed.model_sent == "other"
    assert context(made, ROUTE, Shape.RESPONSES).capabilities != first.capabilities
    assert [context(made, ROUTE, Shape.CHAT).now for _ in range(2)] == [11, 10]


def test_a_route_of_this_second_is_never_taken_for_another() -> None:
    made = contexts()
    for number in range(1000):
        # Each route is forgotten at once but for its context: its id must not be another's.
        route = replace(ROUTE, model_sent=f"m{number}")
        assert context(made, route, Shape.CHAT).model_sent == f"m{number}"
        del route


def test_ids_are_fresh_each_time_and_in_the_order_of_time() -> None:
    context = contexts().for_route(ROUTE, Shape.CHAT).context
    ids = [context.new_id() for _ in range(100)]
    assert {len(each) for each in ids} == {32}
    assert ids == sorted(set(ids))


def test_a_rule_overrides_the_translation_settings() -> None:
    lenient = TranslationSettings(on_unsupported="drop")
    route = replace(ROUTE, rule=ModelRule("m", translation=lenient))
    assert context(contexts(), route, Shape.CHAT).settings is lenient
    assert context(contexts(), ROUTE, Shape.CHAT).settings == TranslationSettings()


def test_a_messages_call_adds_its_inputs() -> None:
    made = contexts(None)
    general = context(made, ROUTE, Shape.CHAT)
    for shape in (Shape.MESSAGES, Shape.RESPONSES):
        own = made.for_call(general, GenerationRequest.at(shape, b"{}"))
        assert (own.inputs is not None) is (shape is Shape.MESSAGES)


@pytest.mark.parametrize("seals", [None, Seals("s" * 32)])
def test_a_responses_call_adds_its_seal_and_the_names_of_its_items(seals: Seals | None) -> None:
    made = contexts(seals)
    items = ItemNames([0])
    call = structs.replace(GenerationRequest.at(Shape.RESPONSES, b"{}"), items=items)
    general = context(made, ROUTE, Shape.CHAT)
    own = made.for_call(general, call)
    assert general.items is None
    assert own.items is items
    assert (own.seal is not None) is (seals is not None)


def test_an_upstream_that_caches_and_a_card_are_known_at_messages() -> None:
    anthropic = UpstreamSettings("openai", "https://a/v1", kinds.ANTHROPIC, cache="auto")
    made = Contexts(Settings((anthropic,)), lambda: 1_795_000_000.5)
    home = Route("openai", "m", "m", kinds.ANTHROPIC, Shape.MESSAGES, (), Source.CATALOGUE)
    plain = context(made, home, Shape.MESSAGES).capabilities
    assert (plain.cache_auto, plain.max_output_tokens) == (True, None)
    carded = replace(home, abilities=Abilities(8192, frozenset({"adaptive"})))
    known = context(made, carded, Shape.MESSAGES).capabilities
    assert (known.cache_auto, known.max_output_tokens) == (True, 8192)
    assert not context(contexts(), ROUTE, Shape.MESSAGES).capabilities.cache_auto


def test_a_call_adds_the_session_that_its_client_names() -> None:
    named = ((b"x-claude-code-session-id", b"s-\xe9"), (b"x-claude-code-session-id", b"t"))
    for headers, session in (((), None), (named, "s-\xe9"), (((named[0][0], b""),), None)):
        assert session_of(headers) == session
        call = GenerationRequest.at(Shape.MESSAGES, b"{}", headers)
        general = context(contexts(), ROUTE, Shape.CHAT)
        assert contexts().for_call(general, call).session == session
