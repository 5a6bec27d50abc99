"""The services behind the routes become its handlers."""

import asyncio
from typing import cast

import pytest

from gateway.api.services import Services
from gateway.config.settings import PerformanceSettings
from gateway.exchange.decision import Decision
from gateway.request import Request
from tests.api.client import Client, Recorder
from tests.exchange.scene import Scene
from tests.server.connection.test_http1 import answer


def test_the_handlers_are_those_of_the_services() -> None:
    own = Client(answer)
    legacy = own.gateway._handlers.legacy
    forwarder, listing = own.gateway._handlers.forwarder, own.gateway._handlers.listing
    exchange = own.scene.exchange
    services = Services(exchange, forwarder, listing, legacy, own.scene.responses, Recorder())
    draining = False
    handlers = services.handlers(lambda: draining)
    assert handlers.forwarder is forwarder
    assert (handlers.listing, handlers.legacy) == (listing, legacy)

    def readiness() -> int:
        request = Request("GET", "/readyz")
        return asyncio.run(handlers.readiness(request, cast("Decision", None))).status

    assert readiness() == 200
    draining = True
    assert readiness() == 503


@pytest.mark.parametrize("enabled", [True, False])
def test_without_fast_paths_every_request_is_decided_by_the_loop(enabled: bool) -> None:
    own = Client(answer)
    handlers = own.gateway._handlers
    scene = Scene(answer, performance=PerformanceSettings(fast_paths=enabled))
    services = Services(
        scene.exchange,
        handlers.forwarder,
        handlers.listing,
        handlers.legacy,
        scene.responses,
        Recorder(),
    )
    by_loop = services.handlers(lambda: False).serve == scene.exchange.run
    assert by_loop is not enabled
