"""Which upstream's targets are made how."""

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.servers import PROFILES, Profile
from gateway.shapes import UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import parse_base_url
from gateway.upstream.targets import method_of, targets_of
from tests import kinds
from tests.upstream.conftest import WorldMaker, call
from tests.upstream.scripted import Peer, with_length

CALL = UpstreamCall("u", "POST", "/chat/completions", query=b"a=1", model="m")


def made(kind: Profile, query: bytes) -> bytes:
    upstream = UpstreamSettings("u", "https://h.example/v1", kind)
    targets = targets_of(upstream, parse_base_url(upstream.base_url), Credentials(upstream))
    return targets(CALL.copy(query=query))


@pytest.mark.parametrize("kind", [kind for kind in PROFILES if kind is not kinds.AZURE])
def test_only_azure_sees_an_api_version(kind: Profile) -> None:
    assert made(kind, b"") == b"/v1/chat/completions"
    assert made(kind, b"a=1&b=%20") == b"/v1/chat/completions?a=1&b=%20"
    assert made(kind, b"a=1&api-version=2024-06-01") == b"/v1/chat/completions?a=1"
    assert made(kind, b"api-version=2024-06-01") == b"/v1/chat/completions"


def test_azures_version_is_the_configured_one() -> None:
    upstream = UpstreamSettings("u", "https://h.example", kinds.AZURE, api_version="2023-05-15")
    targets = targets_of(upstream, parse_base_url(upstream.base_url), Credentials(upstream))
    assert targets(CALL) == (b"/openai/deployments/m/chat/completions?a=1&api-version=2023-05-15")


def test_a_method_is_sent_as_it_is_or_not_at_all() -> None:
    assert method_of(CALL.copy(method="PATCH")) == b"PATCH"
    for method in ("get", "GET ", "GET\n", "G\u00c9T", "", "A" * 33):
        with pytest.raises(InvalidRequest, match="capital letters"):
            method_of(CALL.copy(method=method))


@pytest.mark.anyio
async def test_both_senders_ask_for_the_target(before: WorldMaker) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(with_length(b"fine"))
        await peer.gone()

    async with before(script, kind=kinds.AZURE) as world:
        assert await world.fetch(call(model="bot")) == (200, b"fine")
    assert seen[0].target == ("/v1/openai/deployments/bot/chat/completions?api-version=2024-10-21")


def test_a_look_up_can_be_below_the_servers_root() -> None:
    upstream = UpstreamSettings("u", "https://h.example/a/v1", kinds.OLLAMA)
    targets = targets_of(upstream, parse_base_url(upstream.base_url), Credentials(upstream))
    assert targets(UpstreamCall("u", "POST", "/api/show", root=True)) == b"/a/api/show"
    assert targets(UpstreamCall("u", "GET", "/models")) == b"/a/v1/models"


def test_azure_sees_no_credential_of_a_query_and_its_version_all_the_same() -> None:
    upstream = UpstreamSettings(
        "u",
        "https://h.example",
        kinds.AZURE,
        credential=CredentialPolicy.KEY,
        api_key=Secret("sk-own"),
    )
    targets = targets_of(upstream, parse_base_url(upstream.base_url), Credentials(upstream))
    asked = CALL.copy(path="/files", query=b"api-key=K&after=a&api-version=2024-06-01")
    assert targets(asked) == b"/openai/files?after=a&api-version=2024-06-01"
    untouched = CALL.copy(path="/files", query=b"after=a&api-version=2024-06-01")
    assert targets(untouched) == targets(asked)
