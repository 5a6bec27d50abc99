"""Everything about sockets is tried on both event loops."""

import pytest


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)
