"""One profile is all that a server needs: it is found wherever something is known of servers."""

import asyncio
import sys
from pathlib import Path

import pytest

from gateway import servers
from gateway.config.checks.addresses import kind_of_host
from gateway.config.checks.doubts import warnings
from gateway.config.json_schema import write_json_schema
from gateway.config.load import load
from gateway.config.settings import UpstreamSettings
from gateway.envelopes.json_fields import strings, text
from gateway.resolve.endpoint_order import home_order
from gateway.resolve.metadata.server_kind import recognise
from gateway.resolve.resolver import ModelQuery
from gateway.servers import AUTO, OTHER, PROFILES, Profile
from gateway.servers.presets import SELF_HOSTED
from gateway.servers.profile import MetadataCall
from gateway.servers.reading import Capability, owned_by
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.limits.server_capabilities import at_own_endpoint, preset
from tests.config.configuring import refused
from tests.exchange.scene import Scene, chat_completion
from tests.fakes import Answer, error_reply, json_reply
from tests.resolve.payloads import SAMPLE_NAMES, sample
from tests.servers.marks import bearing


def _capability(entry: Json) -> Capability | None:
    task = text(entry, "task")
    return Capability(f"task is {task}", (Shape.CHAT,)) if task == "talk" else None


MADE_UP = Profile(
    name="made-up",
    tried="1.0",
    hosts=("made-up.example",),
    path_doubt=lambda path: "has no /v9" if path != "/v9" else None,
    header_mark=lambda headers: "x-made-up" in headers,
    marks=(owned_by("made-up"),),
    further_lists=(MetadataCall("/tasks"),),
    name_keys=("slug",),
    other_names=lambda entry, _: strings(entry, "nicknames"),
    capability=_capability,
    base_fields=("made.of",),
    context_fields=("window",),
    has_jobs=False,
    order={Shape.RESPONSES: (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES)},
    capabilities={**SELF_HOSTED, "seed": False},
    at_endpoint={Shape.RESPONSES: {"stop": True}},
    refuses_more_stops=3,
)
LISTED = {"data": [{"slug": "m", "owned_by": "made-up", "made": {"of": "base"}, "window": 512}]}
TASKS = {"data": [{"slug": "m", "task": "talk", "nicknames": ["mm"]}]}


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PROFILES", (*PROFILES, MADE_UP))


def answer(call: UpstreamCall) -> Answer:
    if call.path == "/models":
        return json_reply(LISTED)
    if call.path == "/tasks":
        return json_reply(TASKS)
    return (
        json_reply(chat_completion()) if call.path == "/chat/completions" else error_reply(500, "")
    )


@pytest.mark.parametrize("kind", [AUTO, MADE_UP])
def test_its_lists_say_where_a_model_lives_and_its_profile_what_is_sent(kind: Profile) -> None:
    scene = Scene(answer, UpstreamSettings("up", "http://127.0.0.1:1/v1", kind))
    reply = scene.generate(
        Shape.COMPLETIONS, {"model": "mm", "prompt": "p", "stop": list("abcdef")}
    )
    assert set(scene.network.paths) == {"GET /models", "GET /tasks", "POST /chat/completions"}
    assert reply.decision.shape is Shape.CHAT
    assert scene.network.bodies()[-1]["stop"] == list("abcdef")
    route = asyncio.run(scene.resolver.resolve(ModelQuery("m", Shape.COMPLETIONS)))
    assert route.kind is MADE_UP
    assert (route.base, route.context_length) == ("base", 512)


def test_a_module_with_a_profile_is_found_without_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [*servers.known()] == [each for each in PROFILES if each not in (AUTO, OTHER)]
    head = "from gateway.servers.profile import Profile\n"
    (tmp_path / "brand_new.py").write_text(f"{head}PROFILE = Profile(name='brand-new')\n")
    (tmp_path / "shared_parts.py").write_text(f"{head}PART = Profile(name='part')\nPROFILE = 1\n")
    monkeypatch.setattr(servers, "__path__", [*servers.__path__, str(tmp_path)])
    assert [each.name for each in servers.known()][-1] == "brand-new"
    assert len([*servers.known()]) == len(PROFILES) - 1
    for name in ("brand_new", "shared_parts"):
        monkeypatch.delitem(sys.modules, f"gateway.servers.{name}")


def test_it_is_recognised_by_its_marks() -> None:
    assert recognise(LISTED) is MADE_UP
    assert recognise({"data": []}, {"X-Made-Up": "1"}) is MADE_UP


def test_its_hosts_and_addresses_are_known(tmp_path: Path) -> None:
    assert kind_of_host("eu.made-up.example") is MADE_UP
    file = tmp_path / "g.yaml"
    file.write_text("upstreams: {u: {base_url: 'https://made-up.example/v1', api_key: k}}")
    settings = load(file, {}, {})
    assert settings.upstreams[0].kind is MADE_UP
    assert "upstreams.u.base_url: has no /v9" in warnings(settings)


def test_it_is_a_kind_for_configurations_and_their_schema(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text("upstreams: {u: {base_url: 'http://127.0.0.1:1/v9', kind: made-up}}")
    assert load(file, {}, {}).upstreams[0].kind is MADE_UP
    assert "made-up" in str(write_json_schema())
    (problem,) = refused(tmp_path, "upstreams: {openai: {kind: madeup}}")
    assert "made-up" in problem


def test_its_endpoints_and_their_order_are_its_own() -> None:
    assert home_order(Shape.RESPONSES, MADE_UP)[0] is Shape.COMPLETIONS
    assert not preset(MADE_UP, Shape.CHAT).seed
    assert preset(MADE_UP, Shape.RESPONSES).stop
    assert at_own_endpoint(MADE_UP, Shape.CHAT, frozenset()).max_stops == 3


def test_names_and_hosts_are_each_in_one_profile() -> None:
    hosts = [host for kind in PROFILES for host in kind.hosts]
    assert len(set(hosts)) == len(hosts)
    assert len(set(servers.names())) == len(PROFILES) + 1
    assert [servers.profile(name) for name in servers.names()] == [*PROFILES, MADE_UP]


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_a_recorded_list_bears_the_marks_of_one_software_at_most(name: str) -> None:
    assert len(bearing(sample(name))) <= 1
