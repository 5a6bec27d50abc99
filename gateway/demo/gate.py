"""Where `!slow` replies wait until a test, maybe in another thread, lets them go on."""

import asyncio
import threading


class Gate:
    """Closed until `release`; waits are awaited in any event loop, releases come from any thread.

    A release lets everyone go who waits now. After `open_for_good` nobody waits any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether nobody waits any more."""
        return self._open

    async def wait(self) -> None:
        """Wait for a release."""
        passed = asyncio.Event()
        waiting = (asyncio.get_running_loop(), passed)
        with self._lock:
            if self._open:
                return
            self._waiting.append(waiting)
        try:
            await passed.wait()
        finally:
            with self._lock:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)

    def waiters(self) -> int:
        """Return how many wait now."""
        with self._lock:
            return len(self._waiting)

    def release(self) -> None:
        """Let everyone go who waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, passed in waiting:
            loop.call_soon_threadsafe(passed.set)

    def open_for_good(self) -> None:
        """Let everyone go, now and later: the emulator stops."""
        with self._lock:
            self._open = True
        self.release()
