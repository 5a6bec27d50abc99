"""Model lists and cards: what is listed is there; what is done to a name is done to no other."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, ModelNotFound
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.models.listing import Listing, model_path, shorter_names
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import RawHeaders, UpstreamCall
from tests import kinds
from tests.exchange.legacy_scene import LegacyScene
from tests.exchange.scene import ALICE, OPENAI, Exchanged, Scene
from tests.fakes import Answer, FakeReply, error_reply, json_reply

LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
OTHER = UpstreamSettings("other", "http://127.0.0.1:8001/v1", kinds.OTHER, CredentialPolicy.NONE)
OWN = UpstreamSettings("own", "https://o/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("sk-own"))
MY_BOT = ModelRule("my-bot", model="gpt-4o")


def no_route() -> Answer:
    return json_reply({"detail": "Not Found"}, 404)


def serving(**models: list[str]) -> Callable[[UpstreamCall], Answer]:
    """Serve lists and cards: each upstream those of its models."""

    def answer(call: UpstreamCall) -> Answer:
        mine = models[call.upstream]
        if call.path == "/models":
            return json_reply({"object": "list", "data": [card_of(call, name) for name in mine]})
        name = unquote(call.path.removeprefix("/models/"))
        if name not in mine:
            missing = f"The model '{name}' does not exist"
            return error_reply(404, missing, code="model_not_found", param="model")
        return json_reply(card_of(call, name) if call.method == "GET" else {"deleted": True})

    return answer


def card_of(call: UpstreamCall, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1, "owned_by": call.upstream}


def listing_of(scene: Scene) -> Listing:
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    return Listing(scene.settings, scene.resolver, forwarder, scene.network.send)


async def listed(
    scene: Scene, client: ClientSettings | None = None, decision: Decision | None = None
) -> tuple[ClientReply, Any]:
    call = Request("GET", "/models", b"", ALICE, b"", client)
    reply = await listing_of(scene).all(call, decision or Decision())
    if isinstance(reply.body, bytes):
        return reply, msgspec.json.decode(reply.body)
    return reply, msgspec.json.decode(b"".join([chunk async for chunk in reply.body]))


async def card(scene: Scene, model: str, client: ClientSettings | None = None) -> ClientReply:
    call = Request("GET", model_path(model), b"", ALICE, b"", client)
    return await listing_of(scene).one(call, model, Decision())


def ids(body: Any) -> list[str]:
    return [each["id"] for each in body["data"]]


def lists(call: UpstreamCall) -> Answer:
    name = "gpt-4o" if call.upstream == "openai" else "llama-3"
    return json_reply({"object": "list", "data": [{"id": name, "object": "model"}, {"id": 5}]})


def test_a_model_list_without_aliases_passes_through_untouched() -> None:
    reply, body = asyncio.run(listed(Scene(lists)))
    assert body["data"][1] == {"id": 5}
    assert not isinstance(reply.body, bytes)


def test_aliases_and_all_upstreams_are_in_the_list() -> None:
    rules = (MY_BOT, ModelRule("gpt-*", model="gpt-4o"), ModelRule("plain"))
    decision = Decision()
    _, body = asyncio.run(listed(Scene(lists, OPENAI, LOCAL, rules=rules), decision=decision))
    assert ids(body) == ["my-bot", "gpt-4o", "llama-3"]
    assert body["data"][0]["root"] == "gpt-4o"
    assert (decision.upstream, decision.warning) == ("openai,local", "")


VENDOR = ModelRule("openai/*", model="*", upstream="openai")


def test_rewritten_names_are_listed_beside_the_models_that_they_stand_for() -> None:
    _, body = asyncio.run(listed(Scene(lists, OPENAI, LOCAL, rules=(VENDOR,))))
    assert ids(body) == ["gpt-4o", "openai/gpt-4o", "llama-3"]
    assert body["data"][1]["root"] == "gpt-4o"
    _, body = asyncio.run(listed(Scene(lists, OPENAI, rules=(VENDOR,))))
    assert ids(body) == ["gpt-4o", "openai/gpt-4o"]
    client = ClientSettings("team", ("0" * 64,), ("openai/*",))
    _, body = asyncio.run(listed(Scene(lists, OPENAI, LOCAL, rules=(VENDOR,)), client))
    assert ids(body) == ["openai/gpt-4o"]


def test_a_listed_name_that_is_rewritten_to_another_is_not_listed_for_itself() -> None:
    rule = ModelRule("*", model="eu-*")
    scene = Scene(serving(openai=["eu-gpt-4o", "gpt-4o"]), rules=(rule,))
    _, body = asyncio.run(listed(scene))
    assert ids(body) == ["gpt-4o"]
    assert body["data"][0]["root"] == "eu-gpt-4o"


@pytest.mark.parametrize("path", ["/models/openai/org/model", "/models/openai%2Forg%2Fmodel"])
def test_the_card_of_a_rewritten_name_is_there_if_its_model_is(path: str) -> None:
    scene = LegacyScene(serving(openai=["org/model"]), rules=(VENDOR,))
    result = scene.ask("GET", path)
    assert (result.json["id"], result.json["root"]) == ("openai/org/model", "org/model")
    assert scene.network.paths == ["GET " + path.replace("openai/", "").replace("openai%2F", "")]
    assert result.decision.resolved_by == "config"
    assert scene.ask("HEAD", path).reply.status == 200
    with pytest.raises(MethodNotAllowed, match=r"'openai/org/model' is another name of 'org/mod"):
        scene.ask("DELETE", path)


def test_the_404_of_a_rewritten_name_suggests_others_like_it() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return lists(call) if call.path == "/models" else no_route()

    scene = LegacyScene(answer, OPENAI, rules=(VENDOR,))
    assert scene.ask("GET", "/models/openai/gpt-4o").json["id"] == "openai/gpt-4o"
    with pytest.raises(ModelNotFound, match=r"'openai/gpt-4a' .* Did you mean 'openai/gpt-4o'"):
        scene.ask("GET", "/models/openai/gpt-4a")


def test_what_goes_on_after_a_rewritten_name_goes_upstream() -> None:
    def answer(call: UpstreamCall) -> Answer:
        is_below = call.path == "/models/gpt-4o/endpoints"
        return json_reply({"data": {"id": "other"}}) if is_below else error_reply(404, "?")

    scene = LegacyScene(answer, OPENAI, rules=(VENDOR,))
    assert scene.ask("GET", "/models/openai/gpt-4o/endpoints").json == {"data": {"id": "other"}}
    assert scene.ask("GET", "/models/openai/gpt-4o").reply.status == 404


def test_cards_stay_as_their_upstreams_wrote_them() -> None:
    raw = b'{"object":"list","data":[ {"id":"a", "size": 1e999, "n":10000000000000000000001} ]}'
    scene = Scene(lambda _: FakeReply(pieces=(raw,)), rules=(MY_BOT,))
    call = Request("GET", "/models", headers=ALICE)
    reply = asyncio.run(listing_of(scene).all(call, Decision()))
    assert isinstance(reply.body, bytes)
    assert b',{"id":"a", "size": 1e999, "n":10000000000000000000001}]}' in reply.body


def test_a_client_sees_its_own_models_only() -> None:
    client = ClientSettings("team", ("0" * 64,), ("llama-*",))
    scene = Scene(lists, OPENAI, LOCAL, rules=(MY_BOT,))
    _, body = asyncio.run(listed(scene, client))
    assert ids(body) == ["llama-3"]
    with pytest.raises(ModelNotFound):
        asyncio.run(card(Scene(lists, OPENAI, LOCAL), "gpt-4o", client))


def test_an_upstream_that_fails_is_left_out_unless_all_do() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return error_reply(500, "broken") if call.upstream == "openai" else lists(call)

    decision = Decision()
    _, body = asyncio.run(listed(Scene(answer, OPENAI, LOCAL), decision=decision))
    assert ids(body) == ["llama-3"]
    assert decision.upstream == "local"
    assert [failure.upstream for failure in decision.failures] == ["openai"]
    assert decision.warning == (
        "the models of upstream 'openai' are not listed: its reply has status 500"
    )
    scene = Scene(lambda _: error_reply(401, "no key", code="invalid_api_key"), OPENAI, LOCAL)
    with pytest.raises(GatewayError) as raised:
        asyncio.run(listed(scene))
    assert (raised.value.status, raised.value.code) == (401, "invalid_api_key")
    assert raised.value.message == (
        "The models of upstream 'openai' could not be listed: no key. "
        "Upstream 'local': its reply has status 401."
    )


def test_an_alias_is_not_a_list() -> None:
    broken = error_reply(401, "sk-o*wn")
    with pytest.raises(GatewayError) as raised:
        asyncio.run(listed(Scene(lambda _: broken, OWN, rules=(MY_BOT,))))
    assert raised.value.code == "upstream_auth_error"


def test_a_bug_is_not_an_upstream_error() -> None:
    def broken(_: UpstreamCall) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(listed(Scene(broken, OPENAI, LOCAL)))


def test_a_name_that_a_rule_sends_elsewhere_is_in_that_ones_list_or_in_none() -> None:
    models = serving(openai=["gpt-4o", "llama-3"], local=["llama-3", "gpt-4o-mini"])
    rules = (ModelRule("llama-*", upstream="local"), ModelRule("gpt-4o", upstream="local"))
    _, body = asyncio.run(listed(Scene(models, OPENAI, LOCAL, rules=rules)))
    assert [(each["id"], each["owned_by"]) for each in body["data"]] == [
        ("llama-3", "local"),
        ("gpt-4o-mini", "local"),
    ]


def test_a_name_that_a_glob_serves_with_another_model_is_listed_as_what_it_is() -> None:
    rules = (ModelRule("gpt-*", model="llama-3", upstream="local"),)
    scene = Scene(lists, OPENAI, LOCAL, rules=rules)
    _, body = asyncio.run(listed(scene))
    assert [each.get("root") for each in body["data"]] == ["llama-3", None]
    reply = asyncio.run(card(scene, "gpt-4-anything"))
    assert isinstance(reply.body, bytes)
    assert msgspec.json.decode(reply.body)["id"] == "gpt-4-anything"


OLD_NAMES = ModelRule("*", model="gpt-5.4-mini")


@pytest.mark.parametrize("name", ["gpt-3.5-turbo", "text-davinci-003", "org/name", "my bot"])
def test_a_name_that_only_a_glob_serves_has_a_card_and_an_engine(name: str) -> None:
    scene = LegacyScene(lists, rules=(OLD_NAMES,))
    path = model_path(name)
    model = scene.ask("GET", path)
    assert (model.json["id"], model.json["root"]) == (name, "gpt-5.4-mini")
    assert scene.ask("HEAD", path).reply.status == 200
    engine = scene.ask("GET", f"/engines/{quote(name, safe='')}")
    assert (engine.json["id"], engine.json["object"], engine.json["ready"]) == (
        name,
        "engine",
        True,
    )
    assert scene.network.calls == []
    with pytest.raises(MethodNotAllowed):
        scene.ask("DELETE", path)


def test_a_glob_for_texts_leaves_the_cards_of_other_models_alone() -> None:
    scene = LegacyScene(serving(openai=["text-embedding-ada-002"]), rules=(OLD_NAMES,))
    (listed,) = scene.ask("GET", "/models").json["data"]
    assert listed["owned_by"] == "openai"
    assert scene.ask("GET", "/models/text-embedding-ada-002").json == listed
    assert scene.ask("GET", "/engines/text-embedding-ada-002").json["owner"] == "openai"


def test_a_rule_after_a_pattern_that_takes_its_name_makes_no_alias() -> None:
    rules = (ModelRule("my-*", upstream="local"), MY_BOT)
    scene = LegacyScene(serving(openai=["a"], local=["my-bot"]), OPENAI, LOCAL, rules=rules)
    (shown,) = [each for each in scene.ask("GET", "/models").json["data"] if each["id"] != "a"]
    assert (shown["id"], shown["owned_by"]) == ("my-bot", "local")
    assert scene.ask("GET", "/models/my-bot").json == shown
    assert scene.ask("DELETE", "/models/my-bot").decision.upstream == "local"


def test_github_lists_its_models_elsewhere() -> None:
    github = UpstreamSettings("github", "https://models.github.ai/inference", kinds.GITHUB)
    scene = Scene(lambda _: json_reply([{"id": "openai/gpt-4o"}]), github, rules=(MY_BOT,))
    _, body = asyncio.run(listed(scene))
    assert ids(body) == ["my-bot", "openai/gpt-4o"]
    assert [(call.path, call.root) for call in scene.network.calls] == [("/catalog/models", True)]


# --- cards --------------------------------------------------------------------------------------


def test_one_model_is_an_aliass_own_card_or_the_upstreams() -> None:
    scene = Scene(lists, rules=(MY_BOT,))
    reply = asyncio.run(card(scene, "my-bot"))
    assert isinstance(reply.body, bytes)
    assert msgspec.json.decode(reply.body)["id"] == "my-bot"
    assert scene.network.calls == []
    asyncio.run(card(scene, "ft:gpt-4o:a/b::1"))
    assert scene.network.calls[0].path == "/models/ft:gpt-4o:a%2Fb::1"


def test_a_redirected_model_is_listed_and_has_a_card() -> None:
    scene = Scene(lists, redirect=(("old", "gpt-4o"),))
    _, body = asyncio.run(listed(scene))
    assert [each["root"] for each in body["data"] if each["id"] == "old"] == ["gpt-4o"]
    decision = Decision()
    call = Request("GET", model_path("old"), b"", ALICE)
    reply = asyncio.run(listing_of(scene).one(call, "old", decision))
    assert reply.status == 200
    assert "'old' is redirected to 'gpt-4o'" in decision.warning


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    ("path", "upstream"),
    [
        ("llama-3", "local"),
        ("llama-3/versions/2", "local"),
        ("org/model", "other"),
        ("org%2Fmodel", "other"),
        ("org/model/endpoints", "other"),
        ("org%2Fmodel/endpoints", "other"),
        ("gpt-4o", "local"),
        ("nowhere", "openai"),
        ("nowhere/at/all", "openai"),
    ],
)
def test_what_is_done_to_a_model_is_done_where_it_is(method: str, path: str, upstream: str) -> None:
    models = serving(openai=["o1"], local=["llama-3", "gpt-4o"], other=["org/model", "llama-3"])
    scene = LegacyScene(models, OPENAI, LOCAL, OTHER)
    result = scene.ask(method, f"/models/{path}")
    sent = [call for call in scene.network.calls if call.path != "/models"]
    assert [(call.upstream, call.method, call.path) for call in sent] == [
        (upstream, method, f"/models/{path}")
    ]
    assert result.decision.upstream == upstream


def test_the_lists_are_asked_for_once_whatever_is_looked_for() -> None:
    models = serving(openai=["o1"], local=["llama-3"])
    scene = LegacyScene(models, OPENAI, LOCAL)
    for path in ("llama-3", "a/b/c/d/e", "llama-3", "/".join("x" * 1000)):
        scene.ask("GET", f"/models/{path}")
    assert scene.network.paths.count("GET /models") == 2


def test_a_path_of_many_segments_is_about_a_few_names() -> None:
    assert shorter_names("a%2Fb/c") == ["a/b"]
    assert shorter_names("a") == []
    assert len(shorter_names("/".join("x" * 1000))) == 7


def test_a_rule_says_where_a_card_is() -> None:
    rules = (ModelRule("gpt-*", upstream="local"), ModelRule("org/*", upstream="other"))
    scene = LegacyScene(serving(openai=[], local=[], other=[]), OPENAI, LOCAL, OTHER, rules=rules)
    for path in ("gpt-4o", "gpt-4o/x", "org/model", "org%2Fmodel"):
        scene.ask("GET", f"/models/{path}")
    assert [call.upstream for call in scene.network.calls] == ["local"] * 2 + ["other"] * 2


def test_a_body_that_names_a_model_says_where_a_command_goes() -> None:
    scene = LegacyScene(serving(openai=[], local=["llama-3"]), OPENAI, LOCAL)
    scene.ask("POST", "/models/load", {"model": "llama-3"})
    assert scene.network.calls[-1].upstream == "local"
    assert scene.network.bodies() == [{"model": "llama-3"}]


# --- aliases are read, and nothing else ---------------------------------------------------------

ALIASED = (
    MY_BOT,
    ModelRule("bot-*", model="gpt-4o"),
    ModelRule("self", model="self", upstream="local"),
)


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT", "PATCH"])
@pytest.mark.parametrize("name", ["my-bot", "bot-7", "old", "my%2Dbot"])
def test_what_would_be_done_to_another_model_is_refused(method: str, name: str) -> None:
    scene = LegacyScene(
        serving(openai=["gpt-4o"]), OPENAI, rules=ALIASED[:2], redirect=(("old", "gpt-4o"),)
    )
    with pytest.raises(MethodNotAllowed) as raised:
        scene.ask(method, f"/models/{name}")
    assert raised.value.param == "model"
    assert "another name of 'gpt-4o'" in raised.value.message
    assert raised.value.headers == (("allow", "GET, HEAD"),)
    assert scene.network.calls == []


def test_an_alias_can_be_read() -> None:
    scene = LegacyScene(serving(openai=["gpt-4o"], local=["self"]), OPENAI, LOCAL, rules=ALIASED)
    for method in ("GET", "HEAD"):
        for name in ("my-bot", "bot-7", "self"):
            result = scene.ask(method, f"/models/{name}")
            assert (result.reply.status, result.json["id"]) == (200, name)
    assert scene.network.calls == []
    assert scene.ask("OPTIONS", "/models/my-bot").decision.upstream == "openai"


def test_a_model_under_its_own_name_can_be_deleted() -> None:
    scene = LegacyScene(serving(openai=["gpt-4o"], local=["self"]), OPENAI, LOCAL, rules=ALIASED)
    assert scene.ask("DELETE", "/models/self").json == {"deleted": True}
    assert [call.upstream for call in scene.network.calls] == ["local"]


# --- servers without cards ----------------------------------------------------------------------


def without_cards(*replies: Answer) -> Callable[[UpstreamCall], Answer]:
    """Answer for lists with these, in order, and for cards that there is no such route."""
    left = list(replies)

    def answer(call: UpstreamCall) -> Answer:
        return left.pop(0) if call.path == "/models" else no_route()

    return answer


def test_a_server_without_cards_has_them_in_its_list() -> None:
    models = json_reply({"data": [{"id": "a"}, {"id": "org/b", "max_model_len": 5}]})
    scene = LegacyScene(without_cards(models), LOCAL)
    result = scene.ask("GET", "/models/org%2Fb")
    assert result.json == {"id": "org/b", "max_model_len": 5}
    assert scene.network.paths == ["GET /models/org%2Fb", "GET /models"]
    assert result.decision.attempts == 2


@pytest.mark.parametrize(
    "models", [json_reply({"data": [{"id": "a"}]}), error_reply(500, "x"), json_reply({})]
)
def test_what_is_in_no_list_either_is_not_there(models: FakeReply) -> None:
    scene = LegacyScene(without_cards(models, models), LOCAL)
    decision = Decision()
    with pytest.raises(ModelNotFound) as raised:
        scene.ask("GET", "/models/b", decision=decision)
    assert (raised.value.status, raised.value.param) == (404, "model")
    is_list = models.pieces == (b'{"data":[{"id":"a"}]}',)
    assert ("could not be listed" in raised.value.message) is not is_list
    assert bool(decision.failures) is not is_list


def test_only_a_card_is_looked_for_in_the_list() -> None:
    scene = LegacyScene(without_cards(), LOCAL)
    for method in ("DELETE", "HEAD", "POST"):
        scene.ask(method, "/models/a")
    assert len(scene.network.calls) == 3
    unknown = error_reply(404, "The model `a` does not exist", code="model_not_found")
    scene = LegacyScene(lambda _: unknown, LOCAL)
    assert scene.ask("GET", "/models/a").json["error"]["code"] == "model_not_found"
    assert len(scene.network.calls) == 1


# --- whatever is listed can be had --------------------------------------------------------------

NAMES = [
    *("gpt-4o", "gpt-4o/endpoints", "llama-3", "org/model", "org", "ft:gpt-4o:acme:x:1", "a b"),
    *("a+b", "mödel", "50%2Foff", "x:y@z", "bge", "a?b#c", "old", "my-bot", "bot-1", "ft:*"),
]
RULES = [
    ModelRule("my-bot", model="gpt-4o"),
    ModelRule("bge", model="bge"),
    ModelRule("llama-3", upstream="other"),
    ModelRule("gpt-*", upstream="local"),
    ModelRule("org/*", model="llama-3", upstream="other"),
    ModelRule("bot-*", model="org/model"),
    ModelRule("*o*", upstream="other"),
]
SOME_NAMES = st.lists(st.sampled_from(NAMES), unique=True)


@given(
    models=st.fixed_dictionaries(dict.fromkeys(("openai", "local", "other"), SOME_NAMES)),
    rules=st.lists(st.sampled_from(RULES), unique=True),
    redirect=st.booleans(),
    broken=st.sets(st.sampled_from(["openai", "local"])),
    cardless=st.sets(st.sampled_from(["openai", "local", "other"])),
    patterns=st.none() | st.just(("gpt-*", "my-*", "o*", "a?b#c")),
)
def test_whatever_is_listed_can_be_retrieved_by_the_same_caller(
    models: dict[str, list[str]],
    rules: list[ModelRule],
    redirect: bool,
    broken: set[str],
    cardless: set[str],
    patterns: tuple[str, ...] | None,
) -> None:
    serve = serving(**models)

    def answer(call: UpstreamCall) -> Answer:
        if call.upstream in broken:
            return error_reply(500, "broken")
        if call.upstream in cardless and call.path != "/models":
            return no_route()
        return serve(call)

    scene = LegacyScene(
        answer,
        *(OPENAI, LOCAL, OTHER),
        rules=tuple(rules),
        redirect=(("old", "gpt-4o"),) if redirect else (),
    )
    client = None if patterns is None else ClientSettings("team", ("0" * 64,), patterns)

    async def ask(path: str) -> Exchanged:
        return await scene.asked("GET", path, client=client)

    async def scenario() -> None:
        shown = ids((await ask("/models")).json)
        assert len(shown) == len(set(shown))
        for name in shown:
            for path in {quote(name, safe=""), quote(name, safe="/:@+")}:
                result = await ask(f"/models/{path}")
                assert (result.reply.status, result.json["id"]) == (200, name)
        engines = ids((await ask("/engines")).json)
        assert engines == shown
        for name in engines:
            assert (await ask(f"/engines/{quote(name, safe='')}")).json["id"] == name

    asyncio.run(scenario())


ANTHROPIC = UpstreamSettings("anthropic", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
VERSIONED = (*ALICE, (b"anthropic-version", b"2023-06-01"))
CLAUDE = {"type": "model", "display_name": "Claude X", "created_at": "2026-01-01T00:00:00Z"}
MEMBERS = {"id", "object", "created", "owned_by", "type", "display_name", "created_at"}


def of_both(call: UpstreamCall) -> Answer:
    """Serve `claude-x` in Anthropic's form, and `gpt-4o` in OpenAI's."""
    name = "claude-x" if call.upstream == "anthropic" else "gpt-4o"
    known = {"id": name, **CLAUDE} if call.upstream == "anthropic" else card_of(call, name)
    if call.path == "/models":
        return json_reply({"data": [known], "has_more": False})
    if call.path == f"/models/{name}":
        return json_reply(known)
    return error_reply(404, "no such model", code="model_not_found")


async def versioned(
    scene: Scene, query: bytes = b"", client: ClientSettings | None = None
) -> tuple[ClientReply, Any]:
    call = Request("GET", "/models", query, VERSIONED, b"", client)
    reply = await listing_of(scene).all(call, Decision())
    if isinstance(reply.body, bytes):
        return reply, msgspec.json.decode(reply.body)
    return reply, msgspec.json.decode(b"".join([chunk async for chunk in reply.body]))


def test_a_clients_own_form_passes_through_untouched() -> None:
    reply, body = asyncio.run(versioned(Scene(of_both, ANTHROPIC), b"limit=5"))
    assert not isinstance(reply.body, bytes)
    assert body == {"data": [{"id": "claude-x", **CLAUDE}], "has_more": False}


@pytest.mark.parametrize("upstreams", [(ANTHROPIC,), (OPENAI,), (OPENAI, ANTHROPIC)])
def test_a_versions_client_gets_both_forms(upstreams: tuple[UpstreamSettings, ...]) -> None:
    rules = (ModelRule("claude-local", model="gpt-4o"),)
    scene = Scene(of_both, *upstreams, rules=rules)
    _, body = asyncio.run(versioned(scene))
    assert ids(body)[0] == "claude-local"
    assert (body["object"], body["has_more"]) == ("list", False)
    assert (body["first_id"], body["last_id"]) == ("claude-local", ids(body)[-1])
    assert all(set(each) >= MEMBERS for each in body["data"])
    # The upstream's page is whole: the client's page is of the merged list.
    assert all(b"after_id" not in call.query for call in scene.network.calls)
    _, page = asyncio.run(versioned(scene, b"limit=1&after_id=claude-local"))
    assert ids(page) == ids(body)[1:2]
    with pytest.raises(InvalidRequest):
        asyncio.run(versioned(scene, b"limit=0"))


def test_anthropic_is_asked_for_the_stages_that_its_client_asks_for() -> None:
    def answer(call: UpstreamCall) -> Answer:
        retired = {"id": "claude-1", **CLAUDE, "lifecycle": "retired"}
        more = [retired] if b"lifecycle%5B%5D=retired" in call.query else []
        return json_reply({"data": [{"id": "claude-x", **CLAUDE}, *more]})

    scene = Scene(answer, ANTHROPIC, rules=(ModelRule("claude-local", model="claude-x"),))
    _, body = asyncio.run(versioned(scene, b"lifecycle[]=retired&limit=3"))
    assert ids(body) == ["claude-1"]
    assert b"limit=3" not in scene.network.calls[-1].query
    _, body = asyncio.run(versioned(scene))
    assert ids(body) == ["claude-local", "claude-x"]


def test_openais_clients_can_read_anthropics_list() -> None:
    reply, body = asyncio.run(listed(Scene(of_both, ANTHROPIC)))
    assert isinstance(reply.body, bytes)
    assert set(body) == {"object", "data"}
    assert set(body["data"][0]) == MEMBERS


def test_a_restricted_client_of_anthropics_api_sees_its_models_only() -> None:
    client = ClientSettings("team", ("0" * 64,), ("claude-*",))
    rules = (ModelRule("claude-local", model="gpt-4o"),)
    _, body = asyncio.run(versioned(Scene(of_both, OPENAI, ANTHROPIC, rules=rules), client=client))
    assert ids(body) == ["claude-local", "claude-x"]


@pytest.mark.parametrize(
    ("upstream", "model", "headers", "is_union"),
    [
        (ANTHROPIC, "claude-x", ALICE, True),
        (ANTHROPIC, "claude-x", VERSIONED, False),
        (OPENAI, "gpt-4o", VERSIONED, True),
        (OPENAI, "gpt-4o", ALICE, False),
        (OPENAI, "claude-local", VERSIONED, True),
        (OPENAI, "claude-local", ALICE, False),
        (OPENAI, "openai/gpt-4o", VERSIONED, True),
        (OPENAI, "openai/gpt-4o", ALICE, False),
    ],
)
def test_a_card_has_both_forms_where_the_upstreams_is_the_other(
    upstream: UpstreamSettings, model: str, headers: RawHeaders, *, is_union: bool
) -> None:
    async def scenario() -> Any:
        scene = Scene(of_both, upstream, rules=rules)
        call = Request("GET", model_path(model), b"", headers)
        reply = await listing_of(scene).one(call, model, Decision())
        if isinstance(reply.body, bytes):
            return msgspec.json.decode(reply.body)
        return msgspec.json.decode(b"".join([chunk async for chunk in reply.body]))

    rules = (ModelRule("claude-local", model="gpt-4o"), VENDOR) if upstream is OPENAI else ()
    found = asyncio.run(scenario())
    assert found["id"] == model
    assert (set(found) >= MEMBERS) is is_union


@pytest.mark.parametrize("path", [model_path, "/models/{}".format])
@pytest.mark.parametrize("mark", ["[1m]", "[1M][1m]"])
def test_a_card_is_found_without_claude_codes_mark(path: Callable[[str], str], mark: str) -> None:
    """It is not part of a name, unless the configuration has one that ends so."""
    bob = ClientSettings("bob", (), models=("claude-*", "org/*"))
    rules = (ModelRule("claude-local", model="gpt-4o"), ModelRule("org/*", model="*"))
    scene = Scene(of_both, ANTHROPIC, rules=rules)

    async def asked(name: str, headers: RawHeaders = VERSIONED, method: str = "GET") -> ClientReply:
        call = Request(method, path(name), b"", headers, b"", bob)
        return await listing_of(scene).one(call, name, Decision())

    async def card_of_name(name: str) -> Any:
        reply = await asked(name)
        if isinstance(reply.body, bytes):
            return msgspec.json.decode(reply.body)
        return msgspec.json.decode(b"".join([chunk async for chunk in reply.body]))

    for name in ("claude-x", "claude-local", "org/claude-x"):
        assert asyncio.run(card_of_name(name + mark))["id"] == name
    assert asyncio.run(asked("claude-x" + mark, method="HEAD")).status == 200
    assert asyncio.run(asked("claude-x" + mark, ALICE)).status == 404
    with pytest.raises(ModelNotFound, match="gpt-4o"):
        asyncio.run(asked("gpt-4o" + mark))
    scene = Scene(of_both, ANTHROPIC, rules=(ModelRule("claude-x*[[]1[mM]]", model="claude-l"),))
    assert asyncio.run(card_of_name("claude-x" + mark))["id"] == "claude-x" + mark
