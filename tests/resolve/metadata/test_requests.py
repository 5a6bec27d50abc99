import pytest

from gateway.config.secret import Secret
from gateway.config.settings import UpstreamSettings
from gateway.resolve.metadata.requests import (
    FurtherCalls,
    checkpoint_list,
    further_calls,
    job_list,
)
from gateway.servers import PROFILES, Profile
from gateway.servers.profile import MetadataCall
from tests import kinds

UPSTREAM = UpstreamSettings("up", "http://127.0.0.1:1/v1")


def test_a_call_reads_as_its_method_and_path() -> None:
    assert str(MetadataCall("/models")) == "GET /models"
    assert str(MetadataCall("/api/show", body={})) == "POST /api/show"


@pytest.mark.parametrize("kind", PROFILES)
def test_every_kind_has_a_model_list(kind: Profile) -> None:
    call = kind.model_list
    assert call.method == "GET"
    assert call.path.endswith("/models")
    assert call.root is (kind is kinds.GITHUB)


@pytest.mark.parametrize("kind", PROFILES)
def test_further_calls_are_of_one_sort_and_below_one_of_the_two_roots(kind: Profile) -> None:
    calls = further_calls(UPSTREAM, kind, "m")
    sorts = [sort for sort in (calls.lists, calls.server, calls.model) if sort]
    assert len(sorts) <= 1
    assert all(call.path.startswith("/") for sort in sorts for call in sort)


def test_a_name_that_can_be_no_model_is_not_sent_to_anybody() -> None:
    assert further_calls(UPSTREAM, kinds.OLLAMA, "m\x00") == FurtherCalls()
    assert further_calls(UPSTREAM, kinds.OLLAMA, "m").model[0].body == {"model": "m"}


@pytest.mark.parametrize("name", ["x-goog-api-key", "X-Goog-Api-Key"])
def test_geminis_own_list_needs_a_key_of_its_own(name: str) -> None:
    keyed = UpstreamSettings("up", "http://h/v1beta/openai", headers=((name, Secret("k")),))
    assert further_calls(keyed, kinds.GEMINI, "m").lists
    other = UpstreamSettings("up", "http://h/v1beta/openai", headers=(("x-other", Secret("k")),))
    assert further_calls(other, kinds.GEMINI, "m") == FurtherCalls()


def test_ids_cannot_lead_out_of_their_place() -> None:
    assert job_list(None).query == "limit=100"
    assert job_list("a&b=/..").query == "limit=100&after=a%26b%3D%2F.."
    assert checkpoint_list("a/../b?").path == "/fine_tuning/jobs/a%2F..%2Fb%3F/checkpoints"
