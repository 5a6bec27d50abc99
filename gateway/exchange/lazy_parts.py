"""The parts of translations that are loaded when they are first needed: each takes memory."""

from functools import partial

from gateway.config.settings import Settings
from gateway.fast import paths
from gateway.lazy import Lazy
from gateway.shapes import Shape
from gateway.translate import plan
from gateway.translate.composed import Translate


class LazyParts:
    """Loads the translations between two shapes, and the fast paths."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pairs: dict[tuple[Shape, Shape], Lazy[Translate]] = {}

    async def pair(self, client: Shape, home: Shape) -> None:
        """Wait until what translates between two shapes is loaded, in a thread."""
        if plan.is_loaded(client, home):
            return
        pair = self._pairs.setdefault((client, home), Lazy(partial(plan.load, client, home)))
        await pair.get()

    def all(self) -> None:
        """Load all that requests could need, in this call: before a fork, processes share it."""
        for client in Shape:
            for home in Shape:
                if not plan.is_loaded(client, home):
                    plan.load(client, home)
        if self._settings.performance.fast_paths:
            paths.load()
