"""The route table: from a method and a canonical path to a handler."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gateway.api.admission import Handler, Upgrade
from gateway.api.handlers import Handlers
from gateway.errors import MethodNotAllowed
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Request
from gateway.shapes import Shape
from gateway.sockets import SocketSession
from gateway.translate.legacy.engines import MODERN_PATHS

ANY = "*"
_SHAPES = {shape.endpoint: shape for shape in Shape}
_ENGINE = "/v1/engines/(?P<engine>[^/]+)"
_AT_ENGINE = "/v1/engines/(?P<engine>[^/]+(?:/[^/]+)*?)"
"""A name with slashes, which old clients leave as they are."""
_FINE_TUNE = "/v1/fine-tunes/(?P<job>[^/]+)"
_NO_DELETE = " To delete its model, call DELETE /v1/models/{model}."
_RESPONSE = "/v1/responses/(?P<response>[^/]+)"
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

RowHandler = Callable[..., Awaitable[ClientReply]]
"""Takes a request, its decision, and the named parts of the path as keywords, still encoded."""


class Sessions(Protocol):
    """Makes the sessions of sockets; each raises `GatewayError`, or returns the reply instead."""

    async def responses(self, request: Request, decision: Decision) -> SocketSession | ClientReply:
        """Return the session of a socket at `/v1/responses`."""

    async def realtime(self, request: Request, decision: Decision) -> SocketSession | ClientReply:
        """Return the session of a socket of the Realtime and Live APIs."""


class Only:
    """Takes the place of a handler where a path exists only for other methods."""

    def __init__(self, *methods: str, hint: str = "") -> None:
        self._allowed = ", ".join(methods)
        self._hint = hint

    def refusal(self) -> MethodNotAllowed:
        """Return the error for all other methods."""
        allowed = self._allowed
        return MethodNotAllowed(
            f"Call this path with {allowed}.{self._hint}", headers=(("allow", allowed),)
        )


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table. `whole` if its handler takes the body whole, not streamed.

    `shape` is that of a generation endpoint.
    """

    methods: frozenset[str]
    path: re.Pattern[str]
    handler: RowHandler | Only
    whole: bool = False
    shape: Shape | None = None

    @property
    def generates(self) -> Shape | None:
        """The shape that the row generates, if it does."""
        return self.shape if self.whole else None

    def takes(self, method: str) -> bool:
        """Whether the row is for this method."""
        return method in self.methods or ANY in self.methods


class Router:
    """Finds the first matching row of the table. Paths are canonical: see `paths.Place`."""

    def __init__(self, handlers: Handlers, sessions: Sessions | None = None) -> None:
        self._handlers = handlers
        self._sockets = _socket_table(sessions) if sessions is not None else {}
        self._routes = list(self._table())
        self._rest = self._routes[-1]
        # The hot path: these rows are the first for their paths.
        self._generation = {route.shape: route for route in self._routes if route.generates}

    def find(self, method: str, path: str, *, named: bool = False) -> tuple[Route, Handler]:
        """Return the row for a canonical path (percent-encoded), and its handler.

        `named`: the path names a model (Azure's deployments); legacy endpoints do not apply then,
        and everything but generation is passed through. Raises `LookupError` for a path that is
        neither below /v1 nor a health check, and `MethodNotAllowed` if the path exists only for
        other methods.
        """
        path = normalized(path)
        shape = _SHAPES.get(path)
        if shape is not None and method == "POST":
            return self._generation[shape], self._handlers.generate
        for route in self._routes:
            if not route.takes(method) or (named and route.shape is None):
                continue
            match = route.path.fullmatch(path)
            if match is not None:
                if isinstance(route.handler, Only):
                    raise route.handler.refusal()
                parts = match.groupdict()
                return route, partial(route.handler, **parts) if parts else route.handler
        if named:
            return self._rest, self._handlers.passthrough
        raise LookupError(path)

    def find_socket(self, path: str) -> Upgrade | None:
        """Return what opens a socket at a canonical path; None: there are none."""
        path = normalized(path)
        found = (upgrade for row, upgrade in self._sockets.items() if row.fullmatch(path))
        return next(found, None)

    def shape_of(self, path: str) -> Shape | None:
        """Return the shape whose endpoint is this canonical path."""
        return _SHAPES.get(normalized(path))

    def _table(self) -> Iterator[Route]:
        h = self._handlers
        yield _row(ANY, "/healthz", h.health)
        yield _row(ANY, "/readyz", h.readiness)
        yield _row(ANY, "(?:/anthropic|/v1)?/api/hello", h.hello)
        for shape in Shape:
            yield _row("POST", shape.endpoint, h.generate, whole=True, shape=shape)
            yield _row("GET OPTIONS", shape.endpoint, h.passthrough, shape=shape)
            yield _row(ANY, shape.endpoint, Only("POST"), shape=shape)
        yield _row("POST", "/v1/messages/count_tokens", h.counting.count_tokens, whole=True)
        yield _row("GET", "/v1/models", h.listing.all)
        yield _row(ANY, "/v1/models/(?P<model>.+)", h.model)
        yield _row("POST", "/v1/responses/compact", h.compacting.compact, whole=True)
        yield _row("POST", "/v1/responses/input_tokens", h.compacting.input_tokens, whole=True)
        yield _row("GET", _RESPONSE, h.stored_response)
        yield _row("DELETE", _RESPONSE, h.delete_response)
        yield _row("GET", f"{_RESPONSE}/input_items", h.input_items)
        yield _row("POST", f"{_RESPONSE}/cancel", h.cancel_response)
        yield from self._legacy()
        yield _row(ANY, "/v1/.*", h.passthrough)

    def _legacy(self) -> Iterator[Route]:
        """Yield the rows of the endpoints that OpenAI has shut down."""
        legacy = self._handlers.legacy
        yield _row("GET", "/v1/engines", legacy.engines)
        yield _row(ANY, "/v1/engines", Only("GET"))
        yield _row("GET", _ENGINE, legacy.engine)
        yield _row(ANY, _ENGINE, Only("GET"))
        for action in sorted(MODERN_PATHS, key=len, reverse=True):  # what ends like another first
            at_engine = partial(legacy.at_engine, path=MODERN_PATHS[action])
            yield _row("POST", f"{_AT_ENGINE}/{action}", at_engine, whole=True)
            yield _row(ANY, f"{_AT_ENGINE}/{action}", Only("POST"))
        yield _row(ANY, f"{_ENGINE}/(?P<action>.+)", legacy.no_action)
        yield _row("POST", "/v1/edits", legacy.edit, whole=True)
        yield _row(ANY, "/v1/edits", Only("POST"))
        yield _row(ANY, "/v1/(?P<name>search|answers|classifications)", legacy.removed.pass_on)
        yield _row(ANY, "/v1/(?P<name>deployments)(?:/[^/]+)?", legacy.removed.pass_on)
        yield _row(ANY, "/v1/(?P<name>search_indices|snapshots)(?:/.*)?", legacy.removed.refuse)
        yield _row("POST", "/v1/files", legacy.removed.upload)
        yield _row("POST", "/v1/moderations", legacy.removed.moderation)
        if legacy.fine_tunes.native:
            return
        yield _row("GET", "/v1/fine-tunes", legacy.all_fine_tunes)
        yield _row("POST", "/v1/fine-tunes", legacy.create_fine_tune, whole=True)
        yield _row(ANY, "/v1/fine-tunes", Only("GET", "POST"))
        yield _row("GET", _FINE_TUNE, legacy.fine_tune)
        yield _row(ANY, _FINE_TUNE, Only("GET", hint=_NO_DELETE))
        yield _row("POST", f"{_FINE_TUNE}/cancel", legacy.cancel_fine_tune)
        yield _row(ANY, f"{_FINE_TUNE}/cancel", Only("POST"))
        yield _row("GET", f"{_FINE_TUNE}/events", legacy.fine_tune_events)
        yield _row(ANY, f"{_FINE_TUNE}/events", Only("GET"))


def _socket_table(sessions: Sessions) -> dict[re.Pattern[str], Upgrade]:
    return {
        re.compile("/v1/responses"): sessions.responses,
        re.compile("/v1/realtime(?:/.*)?", re.DOTALL): sessions.realtime,
        re.compile("/v1/live/.+", re.DOTALL): sessions.realtime,
    }


def normalized(path: str) -> str:
    """Return a path with unreserved characters unescaped (RFC 3986 section 6.2.2.2).

    Other escapes stay, so that an encoded slash in a model's name does not become a separator.
    """
    if "%" not in path:
        return path
    return _ESCAPE.sub(_unescaped, path)


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0]


def _row(
    methods: str,
    path: str,
    handler: RowHandler | Only,
    *,
    whole: bool = False,
    shape: Shape | None = None,
) -> Route:
    return Route(frozenset(methods.split()), re.compile(path, re.DOTALL), handler, whole, shape)
