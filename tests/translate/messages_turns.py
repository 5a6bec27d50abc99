"""Turns of a messages client's conversation, from its request to what it makes of the reply."""

import copy
from collections.abc import Callable, Sequence

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.plan import plan
from tests.messages_grammar import read_message

Events = Callable[[Json], Sequence[Json]]
"""The stream that says the same as a whole reply."""


class Conversation:
    """A conversation with a model at another endpoint; each reply comes whole and streamed.

    `of` makes a fresh context, as a process that has just started does.
    """

    def __init__(self, home: Shape, of: Callable[[], Context], events: Events, body: Json) -> None:
        self._home = home
        self._events = events
        self.of = of
        self.body = body

    @property
    def translation(self) -> Translation:
        """The translation of the next request."""
        return plan(Shape.MESSAGES, self._home, copy.deepcopy(self.body), self.of())

    @property
    def sent(self) -> Json:
        """The upstream request for the next reply."""
        (call,) = self.translation.calls
        return call

    @property
    def dropped(self) -> list[str]:
        """What was left out of it."""
        return self.translation.report.dropped

    def reply(self, reply: Json) -> Json:
        """Take a reply; return the message, which then belongs to the conversation."""
        message = self.translation.reply([copy.deepcopy(reply)])
        fold = self.translation.stream()
        events = [copy.deepcopy(e) for event in self._events(reply) for e in fold.feed(0, event)]
        if not fold.satisfied(0):
            events += fold.end(0)
        streamed = read_message(events)
        assert _visible(streamed) == _visible(message)
        self._say("assistant", streamed["content"])
        return streamed

    def say(self, *blocks: Json | str) -> None:
        """Send the next message of the user."""
        content = [
            {"type": "text", "text": each} if isinstance(each, str) else each for each in blocks
        ]
        self._say("user", content)

    def move(self, home: Shape, of: Callable[[], Context]) -> None:
        """Go on with a model elsewhere."""
        self._home, self.of = home, of

    def _say(self, role: str, content: list[Json]) -> None:
        said = {"role": role, "content": copy.deepcopy(content)}
        self.body = {**self.body, "messages": [*self.body["messages"], said]}


def _visible(message: Json) -> Json:
    """Return a message without what is random in it, or unknown where its stream was cut."""
    signed = {"signature", "data", "id"}
    message = {**message, "usage": None} if message["stop_sequence"] else message
    blocks = [
        {name: value for name, value in block.items() if name not in signed}
        for block in message["content"]
    ]
    return {**message, "id": "", "content": blocks}
