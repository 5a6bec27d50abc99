"""What is assumed of an endpoint of which nothing is known."""

import pytest

from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import TAKES_ALL, Capabilities
from gateway.translate.own_endpoint import watched


@pytest.mark.parametrize("shape", Shape)
def test_requests_for_their_own_endpoint_go_out_as_they_are(shape: Shape) -> None:
    assert not watched(shape, Context("m", "m", own_endpoint=TAKES_ALL))


def test_requests_for_another_endpoint_keep_to_openais_limits() -> None:
    context = Context("m", "m", own_endpoint=Capabilities())
    assert watched(Shape.CHAT, context) == {"stop"}
    assert Capabilities().strict_params


@pytest.mark.parametrize(
    ("reasoning", "developer_role", "role"),
    [(True, True, "developer"), (False, True, "system"), (True, False, "system")],
)
def test_instructions_have_their_newer_role_at_models_that_reason(
    reasoning: bool, developer_role: bool, role: str
) -> None:
    able = Capabilities(reasoning=reasoning, developer_role=developer_role)
    assert able.system_role == role
