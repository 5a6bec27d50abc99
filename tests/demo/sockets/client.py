"""A client's end of a WebSocket at the emulator, of the package `websockets`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.sync.client import ClientConnection, connect

from gateway.demo.emulator import Served
from tests.waiting import PATIENCE

KEY = "sk-test"
LAST = ("response.completed", "response.failed", "response.incomplete", "response.done", "error")
CHAT_ONLY = "gpt-3.5-turbo"
MODEL = "gpt-4o-mini"
REALTIME = "gpt-realtime-2.1"


class ClientSocket:
    """Sends events and reads what comes back."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **event: Any) -> None:
        self.connection.send(json.dumps(event))

    def create(self, **more: Any) -> None:
        self.send(**{"type": "response.create", "model": MODEL, "store": False, **more})

    def next(self) -> Any:
        return json.loads(self.connection.recv(PATIENCE))

    def until(self, *types: str) -> list[Any]:
        """Read events up to the first of one of these types."""
        events = [self.next()]
        while events[-1]["type"] not in types:
            events.append(self.next())
        return events

    def released(self, served: Served, *types: str) -> list[Any]:
        """Do the same while a reply may be about to wait: free it until it goes on."""
        events: list[Any] = []
        while not events or events[-1]["type"] not in types:
            served.release()
            with suppress(TimeoutError):
                events.append(json.loads(self.connection.recv(0.01)))
        return events

    def turn(self, **create: Any) -> list[Any]:
        """Send a `response.create` and return all that it leads to."""
        self.create(**create)
        return self.until(*LAST)

    def done(self, **create: Any) -> Any:
        """Send a `response.create` and return the finished response."""
        last = self.turn(**create)[-1]
        assert last["type"] == "response.completed", last
        return last["response"]

    def refused(self, **create: Any) -> Any:
        """Send a `response.create` and return the error that it is answered with."""
        (event,) = self.turn(**create)
        assert event["type"] == "error", event
        return event


@contextmanager
def opened(
    served: Served, path: str = "/responses", key: str | None = KEY, **options: Any
) -> Iterator[ClientSocket]:
    """Open a socket until the block ends; `options` are those of `websockets`' `connect`."""
    url = served.base_url.replace("http://", "ws://") + path
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, **options}
    with connect(url, additional_headers=headers, proxy=None, **options) as connection:
        yield ClientSocket(connection)


def text_of(response: Any) -> str:
    """The text of a finished response, or of a realtime one."""
    parts = [part for item in response["output"] for part in item.get("content", ())]
    return "".join(part.get("text") or part["transcript"] for part in parts)
