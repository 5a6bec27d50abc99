"""Requests that codecs translate, from bytes to bytes.

A codec decodes all of an agent's body, so routing can take the fields that it needs from there, and
the body is decoded only once. That pays only if a codec translates the request, which depends on
the request's model: so the models of requests that codecs have translated are remembered. The
model's name is looked for where clients write it, without decoding; a wrong guess costs time only.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from operator import attrgetter
from typing import Any, cast

import msgspec

from gateway.exchange.bodies.apart import LARGE_BYTES
from gateway.exchange.bodies.request_fields import Routed, read_routed
from gateway.exchange.bodies.seal_marks import SEALING
from gateway.exchange.contexts import Contexts, session_of
from gateway.fast.paths import LARGEST_TEXT, Fast, FastPaths, Loaded, loaded
from gateway.request import GenerationRequest
from gateway.shapes import Shape
from gateway.translate.contract import Context

FAST_BYTES = 2 * 1024 * 1024
"""The largest body for fast paths, which decode it in a single call, in 2 to 4 ms."""

_MOST_MODELS = 256
"""Models that are remembered, per shape."""
_FRONT, _BACK = 256, 32 * 1024
"""The bytes of a body's two ends in which its model's name is looked for."""
_READ = ("model", "stream")
"""The fields that routing needs decoded."""
_KEY = b'"model":'
_named = re.compile(rb'"model": ?"([^"\\]+)"').match


class Decoded(Routed):
    """What routing needs of a body that is decoded whole.

    A null counts as absent here. At its own endpoint, a request is judged by its own body instead.
    """

    request: msgspec.Struct | None = None
    """The request as its reader has returned it; None once it is translated, since a translation
    may keep parts of it."""


class NotAdmitted(Routed):
    """What routing needs of a body that no codec admits."""


_read_not_admitted = msgspec.json.Decoder(NotAdmitted).decode


class FastRequests:
    """Has requests translated by codecs, and decodes those of agents at once where it can."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._models: dict[Shape, set[bytes]] = {shape: set() for shape in Shape}

    def takes(self, client: Shape, body: bytes) -> bool:
        """Whether a body is to be decoded at once: an agent's, for a model of such requests."""
        models = self._models[client]
        return bool(models) and _is_agents(body) and _model_in(body) in models

    def decoded(self, client: Shape, body: bytes) -> Routed:
        """Return what routing needs of a body that `takes` admits.

        Raises `InvalidRequest` for anything but a JSON object.
        """
        fast = cast("Loaded", loaded())  # as a codec has translated a request of this model
        try:
            return routed_of(fast.agent_readers[client](body), fast.encode)
        except fast.uncommon:
            return read_routed(body, _read_not_admitted)

    def forget(self, client: Shape, routed: Decoded) -> None:
        """Note that a request goes to its own endpoint: then it need not be decoded whole."""
        routed.request = None
        self._models[client].discard(str(routed.model).encode())

    def translation(
        self,
        paths: FastPaths,
        call: GenerationRequest,
        context: Context,
        routed: Routed | None = None,
    ) -> Fast | None:
        """Translate a common request by a codec; None: the generic path must do it."""
        body, known = call.body, None
        if len(body) > FAST_BYTES:
            return None
        if routed is not None:
            if isinstance(routed, NotAdmitted):
                return None
            if isinstance(routed, Decoded):
                known, routed.request = routed.request, None
        if call.shape not in SEALING:
            made = paths.translation(body, context, None, known)
        else:
            call_context = partial(self._contexts.for_call, context, call)
            if paths.by_session and session_of(call.headers) is not None:
                made = paths.of_agents(body, call_context(), known)
            else:
                made = paths.translation(body, context, call_context, known)
        if made is not None and made.is_agents and _is_agents(body):
            self._remember(call.shape, context.model_asked.encode())
        return made

    def _remember(self, client: Shape, model: bytes) -> None:
        models = self._models[client]
        if len(models) >= _MOST_MODELS and model not in models:
            # A model in use is back after one request; names that clients invent are not.
            models.clear()
        models.add(model)


def _is_agents(body: bytes) -> bool:
    """Whether a body is long enough for an agent's, but not translated beside the event loop."""
    return LARGEST_TEXT <= len(body) < LARGE_BYTES


def _model_in(body: bytes) -> bytes | None:
    """Return the name of a body's model, if it is found."""
    start = body.find(_KEY, 0, _FRONT)
    if start < 0:
        start = body.rfind(_KEY, max(len(body) - _BACK, 0))
    found = _named(body, start) if start >= 0 else None
    return None if found is None else found[1]


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the fields that routing needs of a type of requests, and a getter of their values.

    `input` is left out: it matters only in chat bodies, whose readers admit none.
    """
    needed = (name for name in Routed.__struct_fields__ if name != "input")
    names = tuple(name for name in needed if name in kind.__struct_fields__)
    return names, attrgetter(*names)


def routed_of(request: msgspec.Struct, encode: Callable[[Any], bytes]) -> Decoded:
    """Return what routing needs of a request that its reader has returned."""
    names, values = _fields(type(request))
    given = {
        name: value if name in _READ or type(value) is msgspec.Raw else msgspec.Raw(encode(value))
        for name, value in zip(names, values(request), strict=True)
        if value is not None and value is not msgspec.UNSET
    }
    return Decoded(**given, request=request)
