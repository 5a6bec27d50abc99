import pytest

from gateway.shapes import Shape
from tests.translate.messages_prepared import TARGETS, prepared
from tests.translate.messages_requests import asked


@pytest.mark.parametrize("target", TARGETS)
def test_errors_are_about_what_the_client_calls_its_parameters(target: Shape) -> None:
    found = prepared(asked(), target=target)
    limit = "max_completion_tokens" if target is Shape.CHAT else "max_output_tokens"
    assert found.request.calls == (found.call,)
    assert found.named(limit) == "max_tokens"
    assert found.request.client_param(0, None) is None
