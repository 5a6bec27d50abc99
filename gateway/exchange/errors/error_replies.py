"""Error replies of upstreams as errors of the client's endpoint."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from gateway.envelopes import numbered_errors
from gateway.envelopes.pages import MAX_CHARACTERS, is_page, text_of, title_of
from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.errors import UpstreamError, UpstreamReplied, reason_of
from gateway.exchange.attempt import Attempt
from gateway.exchange.errors.clients_names import in_clients_names
from gateway.exchange.errors.redirections import redirect_error
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import unknown_error
from gateway.request_ids import HEADER, id_in, line_among
from gateway.shapes import ItemNames, RawHeaders, Shape
from gateway.translate.contract import Translation
from gateway.translate.parts.messages.errors import is_reworded
from gateway.translate.parts.model_names import ModelNames, name_as_asked
from gateway.translate.parts.sentences import sentence
from gateway.translate.parts.to_messages.replied_errors import in_openai_terms
from gateway.translate.parts.upstream_errors import (
    ParameterNames,
    client_status,
    error_type,
    in_clients_words,
    replied_error,
    upstream_error,
)

ClientParam = Callable[[str | None], str | None]
"""Returns the client's name of a parameter that the upstream named; None: it has none."""

_KEPT: Final = frozenset({b"retry-after", b"retry-after-ms", b"x-should-retry"})
_RATE_LIMITS: Final = (b"x-ratelimit-", b"ratelimit", b"anthropic-ratelimit-")
"""OpenAI's fields, those of the draft standard (`RateLimit-Policy`), and Anthropic's."""
_SHOWN: Final = 200
"""How many characters of a text or a page are shown."""


def translated_failure(
    translation: Translation, failure: ErrorReply, names: ParameterNames | None = None
) -> UpstreamError:
    """Return an upstream's error in the vocabulary of the client's endpoint.

    `names` are the parameter names of the whole attempt, if they differ from the translation's.
    """
    client_param = partial((names or translation).client_param, failure.call)
    error = error_of_reply(failure.status, failure.headers, failure.body, client_param)
    name_as_asked(error, translation.report.models)
    if translation.report.target is Shape.MESSAGES and isinstance(error, UpstreamReplied):
        return in_openai_terms(error, failure.status if failure.status >= 400 else None)
    return error


def renamed_failure(attempt: Attempt, failure: ErrorReply, *, moved: bool) -> UpstreamError | None:
    """Return an error about a parameter that the attempt has renamed, with the client's name.

    The attempt renames for the model or after a refusal; other names of a translation are for
    `translated_failure`. The parameter is also found if only the message names it. None: the error
    is about another parameter, or none. Unless the request has `moved` to another endpoint, the
    status is the upstream's own.
    """
    renamed = attempt.renamed
    known = _replied(failure.status, failure.body) if renamed else None
    if known is None:
        return None
    param = known.param or _named_in(known.message, renamed)
    named = attempt.client_param(failure.call, param)
    if named == param:
        return None
    known.param = param
    name_as_asked(known, attempt.models)
    return _about(known, named, failure, moved=moved)


def _named_in(message: str, renamed: Mapping[str, str]) -> str | None:
    """Return the new name that an error's text mentions without the client's own name."""

    def has(name: str) -> bool:
        return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.]*\w)", message) is not None

    return next((new for new, old in renamed.items() if has(new) and not has(old)), None)


def about_moved_item(failure: ErrorReply, items: ItemNames) -> UpstreamError | None:
    """Return an error with the client's name of the item it is about; None: it is about none.

    This is for requests at their own endpoint from which items were left out, or to which some were
    added.
    """
    return _with_other_names(failure, items.client_path)


def in_clients_terms(attempt: Attempt, failure: ErrorReply, body: bytes) -> UpstreamError | None:
    """Return an error of the client's own endpoint with the client's names; None: not needed.

    `body` is the client's request. Some errors get other words, too: clients of messages recognise
    a prompt that is too long by Anthropic's words alone, and no client reads MiniMax' numbers.
    """
    if failure.status < 400 and numbered_errors.is_one(failure.body):
        return error_of_reply(failure.status, failure.headers, failure.body, lambda param: param)
    overflow = _overflow(attempt, failure) if attempt.shape is Shape.MESSAGES else None
    if overflow is not None:
        return overflow
    if attempt.translation is None and attempt.report is None:
        return None
    client_param = partial(attempt.client_param, failure.call)
    return _with_other_names(failure, client_param, body, attempt.models)


def _overflow(attempt: Attempt, failure: ErrorReply) -> UpstreamError | None:
    """Return the error for a prompt that is too long; None if it is in Anthropic's words."""
    known = _replied(failure.status, failure.body)
    if known is None or not is_reworded(known):
        return None
    name_as_asked(known, attempt.models)
    return _about(known, known.param, failure, moved=True)


def _with_other_names(
    failure: ErrorReply,
    client_param: Callable[[str], str | None],
    body: bytes | None = None,
    models: ModelNames | None = None,
) -> UpstreamError | None:
    known = _replied(failure.status, failure.body)
    if known is None:
        return None
    named, message = known.param and client_param(known.param), known.message
    if body is not None:
        in_clients_names(known, body)
    is_same = (named, message) == (known.param, known.message)
    name_as_asked(known, models)
    return None if is_same else _about(known, named, failure, moved=False)


def _about(
    known: UpstreamReplied, named: str | None, failure: ErrorReply, *, moved: bool
) -> UpstreamReplied:
    """Return the error about a parameter under the client's name."""
    error = in_clients_words(known, named)
    error.headers = kept_headers(failure.headers)
    if failure.status >= 400:
        error.upstream_status, error.reason = failure.status, reason_of(failure.status)
        error.status = error.status if moved else failure.status
    return error


def error_of_reply(
    status: int, headers: RawHeaders, body: bytes, client_param: ClientParam
) -> UpstreamError:
    """Return the error in a reply, which may have a status of success."""
    redirected = redirect_error(status, headers)
    if redirected is not None:
        return redirected
    kept = kept_headers(headers)
    known = _replied(status, body)
    if known is None:
        shown = client_status(status)
        return UpstreamError(
            sentence(f"The upstream answered with status {status}{_words_of(body)}"),
            upstream_status=status,
            status=shown,
            type=error_type(shown),
            headers=kept,
        )
    error = in_clients_words(known, client_param(known.param))
    error.headers = kept
    if status >= 400:
        error.upstream_status, error.reason = status, reason_of(status)
    return error


def _words_of(body: bytes) -> str:
    """Return the beginning of a body without an error in an envelope: text, or a page's title."""
    text = body[:MAX_CHARACTERS].decode("utf-8", "replace").strip()
    if is_page(text):
        shown = (title_of(text) or text_of(text))[:_SHOWN]
        return f" and a web page: {shown}" if shown else " and a web page"
    return f": {text[:_SHOWN].strip() or 'no body'}"


def listing_failed(
    upstream: str, status: int, body: bytes, headers: RawHeaders = ()
) -> UpstreamReplied:
    """Return the error for a model list that could not be fetched."""
    known = None if redirect_error(status, headers) else _replied(status, body)
    message = known.message if known else f"it answered with status {status}"
    return UpstreamReplied(
        sentence(f"The models of upstream '{upstream}' could not be listed: {message}"),
        upstream_status=status,
        status=client_status(status),
        type=known.type if known else "server_error",
        code=known.code if known else None,
        headers=kept_headers(headers),
    )


def error_in_success(failure: ErrorReply) -> UpstreamError:
    """Return the error in a reply with a status of success, as some servers send refusals."""
    return _replied(failure.status, failure.body) or unknown_error()


def kept_headers(headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    """Return the fields of an upstream's error that identify the request, and say when to retry."""
    kept = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name in _KEPT or name.startswith(_RATE_LIMITS)
    ]
    if line := line_among(headers):
        kept.append((HEADER.decode(), id_in(line)))
    return tuple(kept)


def _replied(status: int, body: bytes) -> UpstreamReplied | None:
    try:
        decoded = decode(body)
    except NOT_JSON:
        return None
    if status < 400:
        return upstream_error(decoded)
    return replied_error(decoded, client_status(status))
