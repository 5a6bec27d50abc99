"""What profiles say of their servers."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.servers import PROFILES, Profile
from gateway.servers.profile import MetadataCall
from gateway.shapes import Shape
from tests import kinds
from tests.resolve.payloads import JSON


def test_openai_and_azure_have_all_routes_but_anthropics() -> None:
    assert kinds.OPENAI.routes == kinds.AZURE.routes == frozenset(Shape) - {Shape.MESSAGES}


def test_routes_are_known_of_hosted_services_and_not_of_what_people_run_themselves() -> None:
    for kind in PROFILES:
        assert bool(kind.routes) is bool(kind.hosts), kind


def test_a_hosted_kind_has_chat_at_least() -> None:
    hosted = [kind for kind in PROFILES if kind.routes and kind is not kinds.ANTHROPIC]
    assert all(Shape.CHAT in kind.routes for kind in hosted)
    assert kinds.ANTHROPIC.routes == {Shape.MESSAGES}
    assert kinds.GITHUB.routes == {Shape.CHAT}


@given(st.dictionaries(st.text(max_size=5), JSON), st.sampled_from(PROFILES))
def test_any_entry_is_read_without_an_error(entry: dict[str, Any], kind: Profile) -> None:
    capability = kind.capability(entry)
    assert capability is None or capability.detail.isprintable()


def test_a_call_with_a_body_is_a_post() -> None:
    assert str(MetadataCall("/models")) == "GET /models"
    assert str(MetadataCall("/api/show", root=True, body={"model": "m"})) == "POST /api/show"


def test_a_profile_is_itself_alone_and_shown_by_its_name() -> None:
    assert Profile(name="openai") != kinds.OPENAI
    assert str(kinds.OPENAI) == repr(kinds.OPENAI) == "openai"
