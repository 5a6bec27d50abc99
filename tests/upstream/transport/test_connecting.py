"""Who opens a connection gets one that is wanted, or none is left."""

from collections.abc import Callable
from typing import cast

import pytest

from gateway.upstream.transport.connecting import new_connection
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.dial import Dialer
from tests.upstream.transport.test_connection import Notes

pytestmark = pytest.mark.anyio


class Attempting:
    """A dialer that makes two attempts, as one does with two addresses."""

    async def connect(self, attempt: Callable[[], Connection]) -> Connection:
        attempt()
        return attempt()


DIALER = cast("Dialer", Attempting())


async def test_the_connection_that_came_about_is_returned() -> None:
    notes = Notes()
    connection = await new_connection(notes, DIALER, lambda: None)
    assert not connection.closed
    assert notes.told == []


async def test_what_is_no_longer_wanted_is_closed() -> None:
    def refuse() -> None:
        raise ConnectionAbortedError

    notes = Notes()
    with pytest.raises(ConnectionAbortedError):
        await new_connection(notes, DIALER, refuse)
    assert notes.told == ["closed", "gone"] * 2
