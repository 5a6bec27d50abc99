"""Which routes servers of a kind are known to have."""

from gateway.config.settings import Kind
from gateway.resolve.routes_of import KNOWN_ROUTES
from gateway.shapes import Shape


def test_openai_and_azure_have_all_routes() -> None:
    assert KNOWN_ROUTES[Kind.OPENAI] == KNOWN_ROUTES[Kind.AZURE] == frozenset(Shape)


def test_nothing_is_known_of_servers_that_people_run_themselves() -> None:
    own = {
        *(Kind.AUTO, Kind.OTHER, Kind.VLLM, Kind.SGLANG, Kind.TGI, Kind.LLAMACPP),
        *(Kind.LLAMA_CPP_PYTHON, Kind.OLLAMA, Kind.LMSTUDIO, Kind.LOCALAI, Kind.LITELLM),
    }
    assert own.isdisjoint(KNOWN_ROUTES)
    assert own | KNOWN_ROUTES.keys() == set(Kind)


def test_a_hosted_kind_has_chat_at_least() -> None:
    assert all(Shape.CHAT in routes for routes in KNOWN_ROUTES.values())
    assert KNOWN_ROUTES[Kind.GITHUB] == {Shape.CHAT}
