"""What profiles say of their servers."""

from gateway.servers import PROFILES
from gateway.shapes import Shape
from tests import kinds


def test_openai_and_azure_have_all_routes() -> None:
    assert kinds.OPENAI.routes == kinds.AZURE.routes == frozenset(Shape)


def test_nothing_is_known_of_servers_that_people_run_themselves() -> None:
    own = {
        *(kinds.AUTO, kinds.OTHER, kinds.VLLM, kinds.SGLANG, kinds.TGI, kinds.LLAMACPP),
        *(kinds.LLAMA_CPP_PYTHON, kinds.OLLAMA, kinds.LMSTUDIO, kinds.LOCALAI, kinds.LITELLM),
    }
    assert {kind for kind in PROFILES if not kind.routes} == own


def test_a_hosted_kind_has_chat_at_least() -> None:
    assert all(Shape.CHAT in kind.routes for kind in PROFILES if kind.routes)
    assert kinds.GITHUB.routes == {Shape.CHAT}
