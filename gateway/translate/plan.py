"""Picks the translation for a pair of shapes; through chat where none joins them directly."""

from functools import cache, partial
from importlib import import_module
from typing import Any

from gateway.errors import InvalidRequest
from gateway.lazy import LOADING
from gateway.shapes import Json, Shape
from gateway.translate import own_endpoint
from gateway.translate.aliased import aliased
from gateway.translate.composed import Translate, compose
from gateway.translate.contract import Context, Translation
from gateway.translate.renamed_tools import with_safe_names

_DIRECT = frozenset(
    {
        (Shape.COMPLETIONS, Shape.CHAT),
        (Shape.CHAT, Shape.COMPLETIONS),
        (Shape.CHAT, Shape.RESPONSES),
        (Shape.CHAT, Shape.MESSAGES),
        (Shape.RESPONSES, Shape.CHAT),
        (Shape.RESPONSES, Shape.MESSAGES),
        (Shape.MESSAGES, Shape.CHAT),
        (Shape.MESSAGES, Shape.RESPONSES),
    }
)
_THROUGH_CHAT = frozenset(
    {
        (Shape.COMPLETIONS, Shape.RESPONSES),
        (Shape.COMPLETIONS, Shape.MESSAGES),
        (Shape.RESPONSES, Shape.COMPLETIONS),
        (Shape.MESSAGES, Shape.COMPLETIONS),
    }
)
_SHARED = (
    *("from_messages.options", "from_messages.blocks.assistant"),
    *("from_messages.conversation", "from_messages.hints", "from_messages.local_reply"),
    *("from_messages.blocks.calls", "from_messages.blocks.results", "from_messages.prepared"),
    *("to_messages.calls", "to_messages.client_paths", "to_messages.ending"),
    *("to_messages.parameters", "to_messages.sampling", "to_messages.tools"),
    *("to_messages.unplaced", "messages.reply_options", "messages.prepared"),
)
"""Modules that pairs share, imported at the start: then a pair's first request waits half as
long."""

for _name in _SHARED:
    import_module(f"gateway.translate.parts.{_name}")

_loaded: dict[tuple[Shape, Shape], Translate] = {}
"""The translations used so far, each imported for its first request, because each takes memory."""


def can_translate(client: Shape, home: Shape) -> bool:
    """Whether a client of one shape can be served by a model that lives at the other."""
    return client is home or (client, home) in _DIRECT | _THROUGH_CHAT


def is_loaded(client: Shape, home: Shape) -> bool:
    """Whether the translation between these shapes is loaded; to load it takes up to 30 ms."""
    return client is home or (client, home) in _loaded


def load(client: Shape, home: Shape) -> Translate:
    """Return the function that translates between two different shapes; import it if needed.

    Safe to use from any thread. Raises `KeyError` for a pair that `can_translate` denies.
    """
    known = _loaded.get((client, home))
    if known is None:
        with LOADING:
            known = _loaded[client, home] = _load(client, home)
    return known


def _load(client: Shape, home: Shape) -> Translate:
    if (client, home) in _DIRECT:
        translate = _of_pair(client, home)
        return with_safe_names(client, translate) if home is Shape.MESSAGES else translate
    if (client, home) in _THROUGH_CHAT:
        outer, inner = _of_pair(client, Shape.CHAT), _of_pair(Shape.CHAT, home)
        return partial(compose, outer, inner, home=home)
    raise KeyError(client, home)


def _of_pair(client: Shape, home: Shape) -> Translate:
    translate: Translate = import_module(f"gateway.translate.{client}_via_{home}").translate
    return translate


def plan(
    client: Shape,
    home: Shape,
    body: Json,
    context: Context,
    *,
    as_chat: bool = False,
    mixed: bool = False,
) -> Translation:
    """Translate a request of `client` shape for a model that lives at `home`.

    `as_chat`: the body is a responses request that came to the chat endpoint; the reply is chat's.
    `mixed`: a chat request for its own endpoint may have parts of other shapes.

    Raises `InvalidRequest` (and its kinds) naming the client's own parameter, and `KeyError` for a
    pair that `can_translate` denies.
    """
    translation: Translation
    if as_chat:
        inner = partial(plan, client, home)
        translation = _rare("as_chat.translation").translate(inner, body, context, home)
    elif client is Shape.CHAT and (mixed or home is not client):
        translation = _of_chat(home, body, context)
    else:
        translation = _directly(client, home, body, context)
    return aliased(translation, context)


@cache
def _rare(name: str) -> Any:
    """Return a module of this package that few requests need; import it for the first of them."""
    with LOADING:
        return import_module(f"gateway.translate.{name}")


def _directly(client: Shape, home: Shape, body: Json, context: Context) -> Translation:
    if client is home:
        return own_endpoint.translate(client, body, context)
    return load(client, home)(body, context)


def has_other_parts(body: Json) -> bool:
    """Whether a chat request has parts of other shapes, or empty lists that chat refuses."""
    return _rare("mixed_chat").reformed(body) is not None


def _of_chat(home: Shape, body: Json, context: Context) -> Translation:
    """Translate a chat request, also one with parts of other shapes.

    These parts are looked for once the translation has refused the request, and always if the
    request goes to a chat endpoint, where nothing is checked.
    """
    refusal: InvalidRequest | None = None
    translate = partial(_directly, Shape.CHAT, home)
    if home is not Shape.CHAT:
        try:
            return translate(body, context)
        except InvalidRequest as error:
            refusal = error.bare()
    mixed_chat = _rare("mixed_chat")
    request = mixed_chat.reformed(body)
    if request is not None:
        translation: Translation = mixed_chat.translate(translate, request, context, home)
        return translation
    if refusal is not None:
        raise refusal
    return translate(body, context)
