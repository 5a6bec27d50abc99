"""A connection while a request is served; the rest of it is in `test_http1.py`."""

import pytest

from gateway.server.connection.state import State
from tests.server.connection.test_http1 import CHAT, Held
from tests.server.wire import Wire, request

pytestmark = pytest.mark.anyio


async def test_a_connection_is_busy_while_a_request_is_served() -> None:
    held = Held()
    wire = Wire(held.client().gateway)
    seen = [(wire.protocol.busy, wire.protocol.is_serving)]
    wire.protocol.data_received(request(CHAT))
    await held.asked.wait()
    seen.append((wire.protocol.busy, wire.protocol.is_serving))
    held.answers.set()
    await wire.settle()
    seen.append((wire.protocol.busy, wire.protocol.is_serving))
    assert seen == [(False, False), (True, True), (False, False)]
    assert wire.state is State.IDLE
