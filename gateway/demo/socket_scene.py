"""The scene of `gateway demo` on a WebSocket: what Codex sends, to a model that lives at chat."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

TITLE = "A chat-only model, called as Codex does it: over a WebSocket, its instructions first"
PATH = "/responses"
CREATE = "response.create"
_MODEL = "gpt-3.5-turbo"
_LAST = ("response.completed", "response.failed", "response.incomplete", "error")
_REPORT = "gateway.report"
FIRST: dict[str, Any] = {
    "type": CREATE,
    "model": _MODEL,
    "generate": False,
    "store": False,
    "input": [{"role": "developer", "content": "Be brief."}],
}
"""It generates nothing: the next create continues it."""


def second(previous: str) -> dict[str, Any]:
    """Return the create with the user's words, which continues a response."""
    return {
        "type": CREATE,
        "model": _MODEL,
        "store": False,
        "previous_response_id": previous,
        "input": "Say hello",
    }


class Outcome:
    """What came of the scene at one of the servers."""

    def __init__(self) -> None:
        self.event: dict[str, Any] = {}
        """The last event."""
        self.headers: dict[str, str] = {}
        """What the gateway reports of itself."""

    @property
    def succeeded(self) -> bool:
        """Whether there is a response."""
        return bool(self.event["type"] == "response.completed")

    @property
    def status(self) -> str:
        """The response's status, or the error's."""
        return str(self.event["status"] if "error" in self.event else self._response["status"])

    @property
    def text(self) -> str:
        """The response's text, or the error's."""
        if "error" in self.event:
            return str(self.event["error"]["message"])
        parts = [part for item in self._response["output"] for part in item.get("content", ())]
        return " | ".join(json.dumps(part["text"], ensure_ascii=False) for part in parts)

    @property
    def _response(self) -> dict[str, Any]:
        response: dict[str, Any] = self.event["response"]
        return response


async def play(base_url: str, key: str) -> Outcome:
    """Send both creates, the second one unless the first is refused.

    Raises `ConnectionClosed` if the server closes the socket.
    """
    outcome = Outcome()
    url = f"{base_url.replace('http', 'ws', 1)}{PATH}?gateway_report=1"
    fields = {"authorization": f"Bearer {key}"}
    async with connect(url, additional_headers=fields, proxy=None) as connection:
        await _turn(connection, FIRST, outcome)
        if outcome.succeeded:
            await _turn(connection, second(outcome.event["response"]["id"]), outcome)
    return outcome


async def _turn(connection: ClientConnection, create: dict[str, Any], outcome: Outcome) -> None:
    await connection.send(json.dumps(create))
    event: dict[str, Any] = {"type": CREATE}
    while event["type"] not in _LAST:
        event = json.loads(await connection.recv())
        if event["type"] == _REPORT:
            outcome.headers = event["headers"]
    outcome.event = event
