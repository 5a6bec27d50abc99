"""Measurements within this process: gateways without sockets, and functions by turns."""

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.cases import Pair
from bench.contenders import write_gateway_config
from gateway import app
from gateway.app import Application
from gateway.config.load import load
from gateway.exchange.attempt import Attempt
from gateway.request import GenerationRequest

LEAST, MOST = 5, 200
"""So many rounds at least, and at most."""
_COLLECTOR_THRESHOLDS = (5_000, 200, 100)
"""Those of `gateway/lifecycle/process.py`: a collection in a translation is part of its cost."""
_NOWHERE = 9
"""The port of an upstream that is never asked."""

Variant = Callable[[], Callable[[], object]]
"""Prepares something, and returns what is to be timed, once."""


@contextmanager
def applications() -> Iterator[tuple[Application, Application]]:
    """Build two gateways: with fast paths and without; the collector is set as theirs meanwhile."""
    built = (_application(fast_paths=True), _application(fast_paths=False))
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    try:
        yield built
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        for application in built:
            asyncio.run(application.aclose())


def _application(*, fast_paths: bool) -> Application:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        config = write_gateway_config(Path(name), _NOWHERE, fast_paths=fast_paths)
        application = app.build(load(config, {}))
    application.attempts.lazy.all()
    return application


def attempts(application: Application, pair: Pair, body: bytes) -> Callable[[], Attempt]:
    """Return what makes an attempt of a request; each time as of a new one."""
    kind = application.settings.upstreams[0].kind
    route = application.resolver.assumed(pair.model, pair.home, kind)

    def build() -> Attempt:
        # What is read of a request is kept in it.
        call = GenerationRequest.at(pair.client, body)
        return application.attempts.build(call, route, pair.home, ())

    return build


def rounds(variants: Sequence[Variant], seconds: float) -> list[tuple[int, ...]]:
    """Return the processor times of all variants in ns, one after the other, round by round."""
    for variant in variants:
        variant()()
    until = time.monotonic() + seconds
    found: list[tuple[int, ...]] = []
    while len(found) < LEAST or (len(found) < MOST and time.monotonic() < until):
        found.append(tuple(_nanoseconds(variant()) for variant in variants))
    return found


def _nanoseconds(run: Callable[[], object]) -> int:
    began = time.process_time_ns()
    run()
    return time.process_time_ns() - began
