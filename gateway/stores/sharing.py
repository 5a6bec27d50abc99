"""Shares what exchanges have learned with other processes, through a store.

Findings are soft: a process that lacks one pays one refusal. So nothing here is awaited by a
request: changes are queued and written behind, and what others write is adopted as it arrives.
While the store fails, the process goes on with what it knows, and writes later.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from gateway.exchange.params.known_fixes import FixesKey, KnownFixes, Worked
from gateway.exchange.stored.responses import StoreError
from gateway.resolve.memory import Clock, EndpointKey, Learned, LearnedEndpoints
from gateway.stores.availability import Availability, pauses
from gateway.stores.findings import EndpointFinding, Finding, FixesFinding, decoded, name_of

log = logging.getLogger("gateway")

MAX_PENDING = 10_000
"""Changes that wait to be written; beyond that the oldest are dropped."""

_BATCH = 100
_UNTIL_CANCELLED_AGAIN = 0.1
"""Seconds until a task that still runs is cancelled again."""
_FAREWELL = 1.0
"""Seconds for what is still unwritten when the process ends."""


class FindingsStore(Protocol):
    """Where findings are shared. All methods but `aclose` raise `StoreError`."""

    async def follow(
        self, adopt: Callable[[Iterable[bytes]], None], caught_up: Callable[[], None]
    ) -> None:
        """Hand over all that is stored, call `caught_up`, and hand over each change; never ends.

        Changes come in the order in which they were written, the process's own among them.
        """

    async def write(self, findings: Sequence[Finding]) -> None:
        """Store findings, and remove those that are forgotten."""

    async def aclose(self) -> None:
        """Release the resources of the store."""


@dataclass(frozen=True, slots=True)
class Caches:
    """The memory of this process: what is learned here, and where it is recalled.

    `clock` is theirs; `ttl` is how long their entries live, in seconds.
    """

    endpoints: LearnedEndpoints
    fixes: KnownFixes
    clock: Clock
    ttl: float


class SharedFindings:
    """The journal of this process's memory, and what adopts the findings of others.

    `wall_clock` gives Unix time. Between `start` and `aclose` it needs a running event loop; a
    change is noted at any time.
    """

    def __init__(
        self, store: FindingsStore, caches: Caches, wall_clock: Clock, state: Availability
    ) -> None:
        self._store = store
        self._caches = caches
        self._wall_clock = wall_clock
        self.state = state
        self._pending: dict[str, Finding] = {}
        self._noted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        caches.endpoints.journal = caches.fixes.journal = self

    def start(self) -> None:
        """Begin to read and to write."""
        self._tasks = [
            asyncio.create_task(self._keep_following()),
            asyncio.create_task(self._keep_writing()),
        ]

    def endpoint(self, key: EndpointKey, learned: Learned | None) -> None:
        """Take down a change of what is learned of endpoints; see `EndpointJournal`."""
        age = self._caches.clock() - learned.at if learned is not None else 0.0
        self._note(EndpointFinding.of(key, learned, self._wall_clock() - age))

    def fixes(self, key: FixesKey, worked: Worked | None) -> None:
        """Take down a change of what is known of parameters; see `FixesJournal`."""
        age = self._caches.clock() - worked.at if worked is not None else 0.0
        self._note(FixesFinding.of(key, worked, self._wall_clock() - age))

    async def aclose(self) -> None:
        """Write what is left, within a second, and close the store."""
        running = set(self._tasks)
        while running:
            for task in running:
                task.cancel()
            # Once is not enough: redis-py swallows a cancellation that comes together with a reply.
            _, running = await asyncio.wait(running, timeout=_UNTIL_CANCELLED_AGAIN)
        if self._tasks:
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._write_pending()
        await self._store.aclose()

    def _note(self, finding: Finding) -> None:
        name = name_of(finding)
        self._pending.pop(name, None)
        self._pending[name] = finding
        if len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._noted.set()

    async def _keep_following(self) -> None:
        waits = pauses()
        stored: set[object] | None

        def adopt(texts: Iterable[bytes]) -> None:
            findings = [finding for text in texts if (finding := decoded(text)) is not None]
            for finding in findings:
                self._adopt(finding)
            if stored is not None:
                stored.update((type(finding), finding.key) for finding in findings)

        def caught_up() -> None:
            nonlocal waits, stored
            self.state.succeeded("reading")
            if stored is not None:
                self._note_missing(stored)
            waits, stored = pauses(), None

        while True:
            stored = set()
            try:
                await self._store.follow(adopt, caught_up)
            except StoreError as error:
                self.state.failed("reading", str(error))
            except Exception:
                log.exception("findings of other processes could not be adopted")
            await asyncio.sleep(next(waits))

    async def _keep_writing(self) -> None:
        waits = pauses()
        while True:
            await self._noted.wait()
            self._noted.clear()
            try:
                await self._write_pending()
                waits = pauses()
                continue
            except StoreError as error:
                self.state.failed("writing", str(error))
            except Exception:
                log.exception("findings could not be shared")
            self._noted.set()
            await asyncio.sleep(next(waits))

    async def _write_pending(self) -> None:
        while self._pending:
            batch = list(islice(self._pending.items(), _BATCH))
            await self._store.write([finding for _, finding in batch])
            self.state.succeeded("writing")
            for name, finding in batch:
                # What was noted meanwhile is still to be written.
                if self._pending.get(name) is finding:
                    del self._pending[name]

    def _adopt(self, finding: Finding) -> None:
        if self._pending and self._is_older(finding):
            return
        age = max(0.0, self._wall_clock() - finding.at)
        at = self._caches.clock() - age
        if not finding.is_forgotten and age >= self._caches.ttl:
            return
        if isinstance(finding, EndpointFinding):
            learned = Learned(finding.shape, at) if finding.shape is not None else None
            self._caches.endpoints.adopt(finding.key, learned)
        else:
            worked = Worked(finding.fixes, at) if finding.fixes is not None else None
            self._caches.fixes.adopt(finding.key, worked)

    def _is_older(self, finding: Finding) -> bool:
        """Whether this process has learned something newer than a finding with the same key.

        If it has learned something older, that is no longer to be written.
        """
        name = name_of(finding)
        pending = self._pending.get(name)
        if pending is None:
            return False
        if pending.at >= finding.at:
            return True
        del self._pending[name]
        return False

    def _note_missing(self, stored: Collection[object]) -> None:
        """Note what a store lacks, such as a Redis that was restarted without its data.

        Others may have forgotten it while this process was cut off; then it is found out again that
        it no longer holds.
        """
        for key, learned in self._caches.endpoints.entries():
            if (EndpointFinding, key) not in stored:
                self.endpoint(key, learned)
        for fixes_key, worked in self._caches.fixes.entries():
            if (FixesFinding, fixes_key) not in stored:
                self.fixes(fixes_key, worked)
