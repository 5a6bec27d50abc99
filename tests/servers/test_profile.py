"""What profiles say of their servers."""

from gateway.servers import PROFILES
from gateway.shapes import Shape
from tests import kinds


def test_openai_and_azure_have_all_routes() -> None:
    assert kinds.OPENAI.routes == kinds.AZURE.routes == frozenset(Shape)


def test_routes_are_known_of_hosted_services_and_not_of_what_people_run_themselves() -> None:
    for kind in PROFILES:
        assert bool(kind.routes) is bool(kind.hosts), kind


def test_a_hosted_kind_has_chat_at_least() -> None:
    assert all(Shape.CHAT in kind.routes for kind in PROFILES if kind.routes)
    assert kinds.GITHUB.routes == {Shape.CHAT}
