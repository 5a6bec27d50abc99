"""Runs a coroutine to its end as `asyncio.run` does, without a new event loop for each.

To make a loop and to close it takes longer than most coroutines of tests. One that ends as it began
can tell nothing of what it has run, so it runs the next one too; any other is closed.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class KeptLoop(asyncio.SelectorEventLoop):
    """Knows whether anything is left of what it has run."""

    _ready: Any
    _scheduled: Any
    _asyncgens: Any
    _default_executor: Any
    _selector: Any
    _signal_handlers: Any

    def __init__(self) -> None:
        super().__init__()
        self._own_descriptors = len(self._selector.get_map())

    @property
    def is_as_new(self) -> bool:
        """Whether it waits for nothing: neither a task, a call, a timer, a socket nor a thread."""
        return not (
            asyncio.all_tasks(self)
            or self._ready
            or any(not timer.cancelled() for timer in self._scheduled)
            or any(generator.ag_frame for generator in self._asyncgens)
            or self._signal_handlers
            or self._default_executor
            or len(self._selector.get_map()) > self._own_descriptors
        )


_kept: asyncio.Runner | None = None


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return what a coroutine returns, once everything that it has begun is over."""
    global _kept  # noqa: PLW0603 - one for this process
    runner, _kept = _kept or asyncio.Runner(loop_factory=KeptLoop), None
    loop = runner.get_loop()
    assert isinstance(loop, KeptLoop)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        if loop.is_as_new:
            _kept = runner
        else:
            runner.close()


def end() -> None:
    """Close the loop, if there is one; a later coroutine gets another."""
    global _kept  # noqa: PLW0603 - one for this process
    if _kept is not None:
        _kept.close()
        _kept = None
