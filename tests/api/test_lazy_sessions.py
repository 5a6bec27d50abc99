"""The sessions of sockets are made with the first handshake, for both kinds."""

import asyncio
from typing import cast

from gateway.api.lazy_sessions import LazySessions
from gateway.api.router import Sessions
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.request import Request


class Refusing(Sessions):
    """Sessions that open no socket, and say in their replies what was asked."""

    async def responses(self, request: Request, decision: Decision) -> ClientReply:
        return json_reply(f"responses {request.path}".encode())

    async def realtime(self, request: Request, decision: Decision) -> ClientReply:
        return json_reply(f"realtime {request.path}".encode())


def test_they_are_made_once_and_late() -> None:
    made: list[Sessions] = []

    def make() -> Sessions:
        made.append(Refusing())
        return made[-1]

    async def scenario() -> None:
        lazy, decision = LazySessions(make), cast("Decision", None)
        assert made == []
        for kind, ask in (("responses", lazy.responses), ("realtime", lazy.realtime)):
            reply = await ask(Request("GET", f"/{kind}"), decision)
            assert cast("ClientReply", reply).body == f"{kind} /{kind}".encode()
        assert len(made) == 1

    asyncio.run(scenario())
