"""The emulator with lines of the test's own: as strict as ever, but it says what is needed."""

from collections.abc import Callable
from typing import Any

from gateway.demo.accounts import Accounts
from gateway.demo.call import RequestContext
from gateway.demo.emulator import Emulator
from gateway.demo.endpoints import chat, responses
from gateway.demo.endpoints.chat import content_text
from gateway.demo.generation.answer import Answer, Json, ReplyIds
from gateway.demo.models import DemoModel, Endpoint
from gateway.demo.rules import chat as chat_rules
from gateway.demo.rules import responses as responses_rules

Say = Callable[[str], str]
"""From all that a conversation has said to what the model says; may raise `Refused`."""

SAID = "You said: "
"""What the emulator puts before everything that it says."""


class ScriptedEmulator(Emulator):
    """Answers at chat and responses with `say`, after checking requests as the emulator does."""

    def __init__(self, say: Say) -> None:
        super().__init__(Accounts(None, 0), 0.0, 1000)
        self.say = say

    async def _chat(self, context: RequestContext) -> None:
        def answer(body: Json, model: DemoModel, ids: ReplyIds) -> Answer:
            chat.answer(body, model, ids)
            line = {"role": "user", "content": self.say(_text(body["messages"]))}
            return chat.answer({**body, "messages": [line]}, model, ids)

        await self._generate(context, Endpoint.CHAT, chat_rules.check_names, answer)

    async def _responses(self, context: RequestContext) -> None:
        def answer(body: Json, model: DemoModel, ids: ReplyIds) -> Answer:
            responses.answer(body, model, ids)
            given = body["input"]
            text = given if isinstance(given, str) else _text(given)
            return responses.answer({**body, "input": self.say(text)}, model, ids)

        await self._generate(context, Endpoint.RESPONSES, responses_rules.check_names, answer)


def _text(messages: list[Any]) -> str:
    return "\n".join(content_text(message.get("content")) for message in messages)
