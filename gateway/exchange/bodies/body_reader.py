"""Reads the fields that routing needs of each request's body, in the cheapest way there is."""

from functools import partial

from gateway.config.settings import PerformanceSettings
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.bodies.fast_requests import FastRequests
from gateway.exchange.bodies.repeated_bodies import SMALLEST, RepeatedBodies
from gateway.exchange.bodies.repeated_request import RepeatedRequest
from gateway.exchange.bodies.request_fields import (
    MOST_AT_ONCE,
    Routed,
    check_encoding,
    read_routed,
)
from gateway.fast.paths import LARGEST_TEXT
from gateway.request import GenerationRequest


class BodyReader:
    """Reads bodies before it is known where they go."""

    def __init__(self, apart: Apart, fast: FastRequests, performance: PerformanceSettings) -> None:
        self._apart = apart
        self._fast = fast
        self._repeated = RepeatedBodies() if performance.fast_paths else None
        self._requests = RepeatedBodies(kind=RepeatedRequest)

    async def read(self, call: GenerationRequest) -> tuple[GenerationRequest, Routed]:
        """Return what routing needs of a request's body, and the request, to build attempts from.

        If the body continues an earlier one, the request that is returned says more of it. Raises
        `InvalidRequest`.
        """
        size = len(call.body)
        if size < LARGEST_TEXT:
            return call, read_routed(call.body)
        if self._fast.takes(call.shape, call.body):
            going_on = self._requests.read(call) if size >= SMALLEST else None
            return going_on or (call, self._fast.decoded(call.shape, call.body))
        if SMALLEST <= size < MOST_AT_ONCE and self._repeated is not None:
            repeated = self._repeated.read(call)
            if repeated is not None:
                return repeated
        return call, await self.fields(call.body)

    async def fields(self, body: bytes) -> Routed:
        """Return what routing needs of a body; raises `InvalidRequest`."""
        if len(body) < MOST_AT_ONCE:
            return read_routed(body)
        return await self._apart.run(partial(read_routed, body))

    async def checked(self, call: GenerationRequest) -> GenerationRequest:
        """Return a request whose body is known to be UTF-8; raises `InvalidRequest`."""
        if call.is_utf8:
            return call
        if len(call.body) < MOST_AT_ONCE:
            check_encoding(call.body)
        else:
            await self._apart.run(partial(check_encoding, call.body))
        return call.of_utf8(is_unsealed=call.is_unsealed)
