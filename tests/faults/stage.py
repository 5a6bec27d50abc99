"""The gateway before the scripted upstream, batches of exchanges, and what they leave behind."""

import asyncio
import gc
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import (
    ModelRule,
    ServerSettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.shapes import CallTimeouts, Shape
from tests import kinds
from tests.clients.running import RunningGateway, running_gateway
from tests.faults.client import Client, request_body
from tests.faults.expectations import Case, expected
from tests.faults.fault import Ends
from tests.faults.outcomes import Good, Judged
from tests.faults.script import Asked
from tests.faults.upstream import Upstream, good, listening

TIMEOUTS = TimeoutSettings(connect=30.0, queue=30.0, first_byte=2.0, stream_idle=1.6, metadata=1.0)
"""Of what they have to end. All else has more time: a busy machine must not make it a timeout."""
UNCONNECTED = {name: replace(TIMEOUTS, connect=1.5) for name in ("black-hole", "tls-silent")}
"""Of the upstreams with which no connection is ever made."""
LONG = CallTimeouts(first_byte=30.0, stream_idle=30.0)
LONG_HEAD = CallTimeouts(first_byte=30.0)
"""Of what falls silent after its head."""
GRACE = 3.2
"""Seconds after which a translated stream begins with a comment: longer than the timeouts, so that
only what keeps an upstream's stream alive without events comes so far."""
SIDE_BY_SIDE = 80
SETTLING = 25.0
"""Seconds until what should have gone counts as left behind: a limit, not an expectation."""
UNCHANGED = 15
"""How often the same is to be seen, 20 ms apart, before it counts as the state of rest."""
KEPT = 10_000
"""Size in bytes of what counts as kept; every request has a body of twice that."""


@dataclass
class Left:
    """What there is beside a gateway at rest."""

    tasks: int
    in_flight: int
    queued: int
    files: int


class Stage:
    """Runs exchanges and finds out what is wrong with them."""

    def __init__(self, gateway: RunningGateway, upstream: Upstream) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._port = urlsplit(gateway.base_url).port or 0
        self._one_by_one = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._rest = Left(0, 0, 0, 0)

    async def warm_up(self, cases: Sequence[Case]) -> None:
        """Let everything that is made once be made, and take that for the state of rest."""
        for case in cases:
            client = Client(self._port)
            problem = await self._next(client, case)
            await client.close()
            assert not problem, problem
        self._rest = await self._unchanged()

    async def run(self, cases: Sequence[Case]) -> list[str]:
        """Run a batch; return a line for each exchange that went wrong, and for what was left."""
        gc.collect()
        gc.disable()
        try:
            heavy = [case for case in cases if case.fault.heavy]
            light = [case for case in cases if not case.fault.heavy]
            problems = await asyncio.gather(*map(self._gated, light))
            problems += [await self._gated(case) for case in heavy]
            left = await self._left_behind()
        finally:
            gc.enable()
        found = [problem for problem in problems if problem]
        faults = list(dict.fromkeys(case.fault for case in cases))
        if not left or len(faults) == 1:
            return found + [f"{cases[0].fault.name}: {line}" for line in left]
        # Fault by fault, to name the culprit.
        for fault in faults:
            again = await self.run([case for case in cases if case.fault is fault])
            left += [line for line in again if "left behind" in line]
        return found + left

    async def _gated(self, case: Case) -> str:
        """Run one exchange beside others: beside any that only wait, and some that work."""
        if case.fault.warm:
            return await self._on_a_used_connection(case)
        if case.waits:
            return await self._exchange(case)
        async with self._slots:
            return await self._exchange(case)

    async def _on_a_used_connection(self, case: Case) -> str:
        async with self._one_by_one[case.fault.upstream]:
            client = Client(self._port)
            problem = await self._next(client, case) or await self._exchange(case)
            await client.close()
        if not problem and case.name not in self._upstream.received.on_used:
            return f"{case.name}: the connection was a new one"
        return problem

    async def _exchange(self, case: Case) -> str:
        """Run one exchange, and a good one after it, on the same connection if that can be."""
        client = Client(self._port)
        before = self._upstream.received.count[case.name]
        body = request_body(case.flow.client, case.model, streamed=case.streamed)
        leaves = case.fault.ends is Ends.ENDLESS
        path = case.flow.client.endpoint
        seen = await client.call(path, body, fault=case.name, leaves=leaves)
        judged = Judged(case.flow.client, case.streamed, case.flow.passed, case.script, seen)
        outcome = expected(case)
        problem = outcome.problem(judged)
        sent = self._upstream.received.count[case.name] - before
        attempts = int(seen.headers.get("x-gateway-attempts", sent))
        if not problem and sent > attempts:
            problem = f"sent {sent} times in {attempts} attempts"
        if problem:
            problem = f"{case.name}: {problem}, but {seen}; expected {outcome}"
        following = await self._next(client, case)
        await client.close()
        return problem or following

    async def _next(self, client: Client, case: Case) -> str:
        """Run a good exchange of the same kind."""
        upstream = case.fault.upstream if case.fault.warm else "scripted"
        model = f"{upstream}.{case.flow.home}.good"
        body = request_body(case.flow.client, model, streamed=case.streamed)
        seen = await client.call(case.flow.client.endpoint, body)
        judged = Judged(case.flow.client, case.streamed, case.flow.passed, good(_asked(case)), seen)
        problem = Good().problem(judged)
        return f"{case.name}: the next request got {problem}: {seen}" if problem else ""

    async def _left_behind(self) -> list[str]:
        """Wait until the gateway is at rest; return what is not."""
        await self._quiet()
        lines: list[str] = []
        left = await self._left()
        if left != self._rest:
            open_still = ", ".join(self._upstream.unfinished()) or "no exchange with an open call"
            lines.append(f"left behind: {left} instead of {self._rest}: {open_still}")
            self._rest = left  # what comes after is not to blame for it
        if kept := _kept_bodies():
            lines.append(f"left behind: bodies in cycles, held by {dict(kept.most_common(8))}")
        return lines

    async def _quiet(self) -> None:
        end = asyncio.get_running_loop().time() + SETTLING
        while asyncio.get_running_loop().time() < end:
            self._upstream.close_idle()
            if not self._upstream.connections and await self._left() == self._rest:
                return
            await asyncio.sleep(0.02)

    async def _unchanged(self) -> Left:
        """Return what there is when it has been the same for a while."""
        seen = [await self._left()]
        while len(seen) < UNCHANGED or self._upstream.connections:
            self._upstream.close_idle()
            await asyncio.sleep(0.02)
            left = await self._left()
            seen = [*seen, left] if left == seen[-1] else [left]
        return seen[-1]

    async def _left(self) -> Left:
        loop = self._gateway.loop
        tasks = asyncio.run_coroutine_threadsafe(_count_tasks(), loop)
        stats = self._gateway.application.upstreams.stats().values()
        return Left(
            await asyncio.wrap_future(tasks),
            sum(each.in_flight for each in stats),
            sum(each.queued for each in stats),
            len(os.listdir("/proc/self/fd")),
        )


async def _count_tasks() -> int:
    """Return how many tasks there are beside this one, those that are just ending left out."""
    await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1


def _kept_bodies() -> Counter[str]:
    """Collect the garbage; return what has held bodies until now, for want of a collection.

    Without one, a body must be gone with its request: it lives in no cycle. Bodies and events are
    bytes or text; bytearrays are asyncio's own (its TLS has a cycle around a buffer).
    """
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        holders: Counter[str] = Counter()
        for item in gc.garbage:
            if isinstance(item, FrameType) and _is_a_tests(item):
                continue
            for held in gc.get_referents(item):
                if isinstance(held, bytes | str) and len(held) > KEPT:
                    holders[_name_of(item)] += 1
        return holders
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def _is_a_tests(frame: FrameType) -> bool:
    """Whether a test called it: asyncio's streams keep what a reset has kept them from writing.

    Only up to the event loop, which a test runs in any case.
    """
    called_by: FrameType | None = frame
    while called_by is not None and called_by.f_code.co_qualname != "Handle._run":
        if "tests" in Path(called_by.f_code.co_filename).parts:
            return True
        called_by = called_by.f_back
    return False


def _name_of(holder: object) -> str:
    if isinstance(holder, FrameType):
        return f"{holder.f_code.co_qualname}, line {holder.f_lineno}"
    return type(holder).__name__


@asynccontextmanager
async def staged(cases: Sequence[Case]) -> AsyncIterator[Stage]:
    """Run the gateway and all upstreams until the block ends."""
    upstream = Upstream({case.name: case.fault.script for case in cases})
    warm = {case.fault.upstream for case in cases if case.fault.warm}
    async with listening(upstream, warm) as urls:
        with running_gateway(_settings(urls, warm, cases)) as gateway:
            stage = Stage(gateway, upstream)
            await stage.warm_up([case for case in cases if case.fault is cases[0].fault])
            yield stage


def _settings(urls: dict[str, str], warm: set[str], cases: Sequence[Case]) -> Settings:
    upstreams = tuple(
        UpstreamSettings(
            name,
            url,
            kinds.OTHER,
            forward_headers=("x-fault",),
            timeouts=UNCONNECTED.get(name, TIMEOUTS),
            keepalive_expiry=30.0 if name in warm else 2.0,
        )
        for name, url in urls.items()
    )
    timed = {case.model: case for case in cases if case.is_timed}
    rules = (
        *(
            ModelRule(
                model,
                upstream=case.fault.upstream,
                endpoints=(case.flow.home,),
                timeouts=None if case.fault.ends is Ends.SILENT else LONG_HEAD,
            )
            for model, case in timed.items()
        ),
        *(
            ModelRule(f"{name}.{home}.*", upstream=name, endpoints=(home,), timeouts=LONG)
            for name in urls
            for home in Shape
        ),
    )
    server = ServerSettings(first_byte_grace=GRACE)
    return Settings(upstreams, server=server, models=rules, admin=AdminSettings())


def _asked(case: Case) -> Asked:
    return Asked(case.flow.home, case.streamed)
