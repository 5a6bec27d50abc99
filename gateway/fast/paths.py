"""Picks the fast paths for a pair of shapes.

Fast paths take memory, so they are loaded, in a thread, only when a request is first translated.
Until they are loaded, the generic path translates everything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from gateway import fast
from gateway.lazy import LOADING, LazyInBackground
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, StreamTranslation, Translation

if TYPE_CHECKING:
    from gateway.fast.deltas.text_deltas import DeltaFastPath

LARGEST_TEXT = 8 * 1024
"""From so many bytes on, a request is read as an agent's without trying the codec for texts."""

Folded = tuple[bytes, Sequence[Json], Json | None]
"""The bytes to send for received ones, the same as JSON, and the event if it was exactly one."""


class Fast(Translation, Protocol):
    """A translation from bytes to bytes."""

    @property
    def is_agents(self) -> bool:
        """Whether the request was read as an agent's."""

    @property
    def sent(self) -> bytes:
        """The one request to send."""

    @property
    def text_model(self) -> str:
        """The client's name of the model, if the request asks for a whole text and nothing else.

        Routing then needs nothing more of the request. Empty if routing may need more.
        """

    @property
    def fell_back(self) -> bool:
        """Whether the generic path was needed, which may have added to the report."""

    @property
    def header(self) -> str:
        """The report's header value."""

    def decode_reply(self, reply: bytes) -> bytes | None:
        """Return the client's reply for a common reply; None if `reply` must fold it."""


class FastPaths(Protocol):
    """The fast paths between two shapes."""

    @property
    def text_deltas(self) -> bool:
        """Whether streams may take the path that `with_text_deltas` returns."""

    @property
    def by_session(self) -> bool:
        """Whether the codec takes only requests of clients that have not named a session."""

    def translation(
        self,
        request: bytes,
        context: Context,
        call_context: Callable[[], Context] | None = None,
        known: msgspec.Struct | None = None,
        /,
    ) -> Fast | None:
        """Translate a common request; None: the generic path must do it.

        `call_context` gives the context with what holds for this call only; `known` is as for
        `of_agents`.
        """

    def of_agents(
        self, request: bytes, context: Context, known: msgspec.Struct | None = None, /
    ) -> Fast | None:
        """Translate an agent's request; None: the generic path must do it.

        `context` has what holds for this call only, too: its session may be sent. `known` is what
        its reader has returned (`Loaded.agent_readers`), if it was read already.
        """


class _NoPaths:
    """The empty fast paths: between equal shapes, and where fast paths are turned off."""

    text_deltas = by_session = False

    def translation(self, *_: object) -> None:
        """Return None."""

    def of_agents(self, *_: object) -> None:
        """Return None."""


class _Awaited(_NoPaths):
    """Stands in for fast paths that are not loaded yet, and has them loaded when it is used."""

    def translation(self, *_: object) -> None:
        """Start to load the fast paths; return None."""
        _LATE.ask()

    of_agents = translation


@dataclass(frozen=True, slots=True)
class Loaded:
    """The fast paths, once they are loaded."""

    paths: Callable[[Shape, Shape, Context], FastPaths]
    """Returns the fast paths from a client's shape to another one."""
    agent_readers: Mapping[Shape, Callable[[bytes], msgspec.Struct]]
    """Readers of agents' requests, by the client's shape; raise one of `uncommon` for others."""
    item_readers: Mapping[Shape, Callable[[bytes], list[Any]]]
    """Readers of lists of such requests' items, known to be UTF-8; raise as `agent_readers` do."""
    uncommon: tuple[type[Exception], ...]
    encode: Callable[[Any], bytes]
    """Encodes a field of a request that one of the readers has returned."""
    text_deltas: "type[DeltaFastPath]"


def _load() -> Loaded:
    for module in walk_packages(fast.__path__, f"{fast.__name__}."):
        with LOADING:  # one by one: other lazy parts wait for one of these modules at most
            import_module(module.name)
    from gateway.fast import pairs

    return pairs.LOADED


GENERIC_ONLY: FastPaths = _NoPaths()
_AWAITED: FastPaths = _Awaited()
_LATE = LazyInBackground(_load)

load = _LATE.now
"""Load the fast paths in this call, not in a thread."""


def loaded() -> Loaded | None:
    """Return the fast paths if they are loaded, else None."""
    return _LATE.made


def fast_paths(client: Shape, target: Shape, context: Context) -> FastPaths:
    """Return the fast paths from a client's shape to another; none between the same shapes."""
    if client is target:
        return GENERIC_ONLY
    known = _LATE.made
    return _AWAITED if known is None else known.paths(client, target, context)


def with_text_deltas(
    client: Shape, home: Shape, calls: int, translation: StreamTranslation
) -> "DeltaFastPath | None":
    """Return the fast path of texts before a stream's translation; None if it is not loaded."""
    known = _LATE.made
    return None if known is None else known.text_deltas(client, home, calls, translation)
