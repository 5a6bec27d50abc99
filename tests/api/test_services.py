"""The services behind the routes become its handlers."""

import asyncio
from typing import cast

from gateway.api.services import Services
from gateway.exchange.decision import Decision
from gateway.request import Request
from tests.api.client import Client, Recorder
from tests.server.connection.test_http1 import answer


def test_the_handlers_are_those_of_the_services() -> None:
    own = Client(answer)
    legacy = own.gateway._handlers.legacy
    forwarder, listing = own.gateway._handlers.forwarder, own.gateway._handlers.listing
    exchange = own.scene.exchange
    services = Services(exchange, forwarder, listing, legacy, own.scene.responses, Recorder())
    draining = False
    handlers = services.handlers(lambda: draining)
    assert (handlers.exchange, handlers.forwarder) == (exchange, forwarder)
    assert (handlers.listing, handlers.legacy) == (listing, legacy)

    def readiness() -> int:
        request = Request("GET", "/readyz")
        return asyncio.run(handlers.readiness(request, cast("Decision", None))).status

    assert readiness() == 200
    draining = True
    assert readiness() == 503
