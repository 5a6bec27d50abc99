"""The barrier where `!slow` replies wait until a test, maybe in another thread, releases them."""

import asyncio
import threading


class Barrier:
    """Blocks until `release`; any event loop may wait, any thread may release.

    A release frees those that wait now. After `lift` nothing waits any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._lifted = False

    @property
    def lifted(self) -> bool:
        """Whether `lift` was called."""
        return self._lifted

    async def wait(self) -> None:
        """Wait for a release."""
        passed = asyncio.Event()
        waiting = (asyncio.get_running_loop(), passed)
        with self._lock:
            if self._lifted:
                return
            self._waiting.append(waiting)
        try:
            await passed.wait()
        finally:
            with self._lock:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)

    def release(self) -> None:
        """Free those that wait now."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, passed in waiting:
            loop.call_soon_threadsafe(passed.set)

    def lift(self) -> None:
        """Free all, now and later: the emulator stops."""
        with self._lock:
            self._lifted = True
        self.release()
