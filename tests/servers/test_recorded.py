"""Every profile, judged by what its server was seen to send.

`recorded/KIND.json` is of the server whose `kind` is KIND:

- `version`: the version that was seen, as the profile has it; empty for documentation or source.
- `urls`: base URLs by which it is known, one for each of its hosts at least.
- `calls`: all that it can be asked about its models, `/…` before paths below its root.
- `seen`: what one such server answered to these calls (`replies`: a payload with its `headers`, or
  the name of one in `tests/resolve/metadata_samples`; a call without a reply is a 404), whether
  its list tells its kind (`recognised`), and of some `models` the endpoint to which clients of
  completions and chat are sent (null: nothing says where, so their own is tried), its `base` and
  its `context_length`, where the replies say them.
- `fields`: entries, and where a model lives by them (`shapes`; null: they say nothing).

Error texts are in `tests/resolve/errors.jsonl`, under ids that begin with the kind.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import servers
from gateway.config.checks.addresses import host_of, kind_of_host, path_of
from gateway.resolve.evidence import Source
from gateway.resolve.metadata.server_kind import recognise
from gateway.servers import PROFILES, Profile
from gateway.shapes import Json, Shape
from tests import kinds
from tests.fakes import json_reply
from tests.resolve.payloads import sample
from tests.resolve.recorded_errors import RECORDED as ERRORS
from tests.resolve.recorded_errors import RecordedError, label_of
from tests.resolve.scripted_server import Script, ScriptedServer, key_of
from tests.servers.marks import bearing

FOLDER = Path(__file__).parent / "recorded"
KNOWN = [kind for kind in PROFILES if kind not in (kinds.AUTO, kinds.OTHER)]
RECORDED: dict[Profile, Json] = {
    servers.profile(path.stem): json.loads(path.read_text("utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
}


def of_each(key: str) -> list[Any]:
    """Return all that is recorded under a key, each with the kind that it is of."""
    return [
        pytest.param(kind, piece, id=f"{kind}-{number}")
        for kind, recorded in RECORDED.items()
        for number, piece in enumerate(recorded[key])
    ]


def payload_of(reply: Json | str) -> object:
    return sample(reply) if isinstance(reply, str) else reply["body"]


def headers_of(reply: Json | str) -> dict[str, str]:
    return {} if isinstance(reply, str) else reply.get("headers", {})


def script_of(seen: Json) -> Script:
    return {
        call: json_reply(
            payload_of(reply),
            headers=tuple((k.encode(), v.encode()) for k, v in headers_of(reply).items()),
        )
        for call, reply in seen["replies"].items()
    }


def error_texts() -> Iterator[tuple[Profile, RecordedError]]:
    """Yield recorded errors with the kind of the server that wrote them."""
    for error in ERRORS:
        of = [kind for kind in KNOWN if error.id.startswith(f"{kind}-")]
        if of:
            yield max(of, key=lambda kind: len(kind.name)), error


def test_every_profile_has_its_recorded_payloads() -> None:
    assert RECORDED.keys() == set(KNOWN)
    assert all(recorded["seen"] for recorded in RECORDED.values())


@pytest.mark.parametrize("kind", KNOWN, ids=str)
def test_it_is_the_version_that_was_seen(kind: Profile) -> None:
    assert kind.tried == RECORDED[kind]["version"]


@pytest.mark.parametrize("kind", KNOWN, ids=str)
def test_its_hosts_are_those_of_its_addresses(kind: Profile) -> None:
    urls: list[str] = RECORDED[kind]["urls"]
    for url in urls:
        assert kind_of_host(host_of(url)) is kind
        assert kind.path_fault(path_of(url)) is None
        assert kind.path_doubt(path_of(url)) is None
    for host in kind.hosts:
        assert any(f".{host_of(url)}".endswith(f".{host}") for url in urls)


@pytest.mark.parametrize("kind", KNOWN, ids=str)
def test_it_is_asked_at_its_own_paths(kind: Profile) -> None:
    about_model = kind.about_model("m")
    calls = [kind.model_list, *kind.further_lists, *kind.about_server]
    calls += [] if about_model is None else [about_model]
    assert [key_of(call) for call in calls] == RECORDED[kind]["calls"]
    for seen in RECORDED[kind]["seen"]:
        assert seen["replies"].keys() <= set(RECORDED[kind]["calls"])


@pytest.mark.parametrize(("kind", "seen"), of_each("seen"))
def test_its_list_bears_its_marks_and_those_of_no_other(kind: Profile, seen: Json) -> None:
    reply = seen["replies"][key_of(kind.model_list)]
    payload = payload_of(reply)
    assert bearing(payload) <= {kind}
    assert recognise(payload) in {kind, None}
    assert recognise(payload, headers_of(reply)) in {kind, None}


@pytest.mark.parametrize(("kind", "seen"), of_each("seen"))
def test_where_its_models_live_is_read(kind: Profile, seen: Json) -> None:
    for model, expected in seen["models"].items():
        for client in (Shape.COMPLETIONS, Shape.CHAT):
            server = ScriptedServer(script_of(seen), kind)
            route = server.route(model, client)
            assert route.shape == (expected[client] or client)
            assert (route.resolved_by is Source.DEFAULT) is (expected[client] is None)
            # Where names alone decide, nothing is asked.
            assert route.exists or kind.has_openai_names
        assert route.base == expected.get("base")
        assert route.context_length == expected.get("context_length")


@pytest.mark.parametrize(
    ("kind", "seen"), [each for each in of_each("seen") if each.values[1]["recognised"]]
)
def test_without_a_configured_kind_the_list_shows_it_and_the_route_is_the_same(
    kind: Profile, seen: Json
) -> None:
    for model, expected in seen["models"].items():
        server = ScriptedServer(script_of(seen))
        assert server.lookup.kind(server.upstream) is kinds.AUTO
        route = server.route(model, Shape.CHAT)
        assert (route.kind, route.shape) == (kind, expected["chat"] or Shape.CHAT)
        assert server.lookup.kind(server.upstream) is kind


@pytest.mark.parametrize(("kind", "field"), of_each("fields"))
def test_its_capability_field_is_read(kind: Profile, field: Json) -> None:
    capability = kind.capability(field["entry"])
    if field["shapes"] is None:
        assert capability is None
        return
    assert capability is not None
    assert list(capability.shapes) == field["shapes"]
    assert list(capability.silent_on) == field.get("silent_on", [])
    assert capability.generative is ("other_endpoints" not in field)
    assert list(capability.other_endpoints) == field.get("other_endpoints", [])
    assert capability.detail


@pytest.mark.parametrize("kind", KNOWN, ids=str)
def test_a_capability_field_is_shown_at_work(kind: Profile) -> None:
    reads = kind.capability is not Profile("").capability
    fields = RECORDED[kind]["fields"]
    assert any(field["shapes"] is not None for field in fields) is reads


@pytest.mark.parametrize(
    ("kind", "error"),
    [pytest.param(kind, error, id=error.id) for kind, error in error_texts()],
)
def test_its_error_texts_are_understood(kind: Profile, error: RecordedError) -> None:
    assert label_of(error.classify()) == error.label, kind
