"""Classifies an upstream's error: wrong endpoint, no such model, a parameter, or something else.

The status is not enough: a 404 can be any of them, and so can `code: model_not_found`. So errors
are classified by their texts, in a fixed order. The first match decides; errors without a match
are `other`, and are passed on unchanged.

Statuses 400, 404 and 422 admit every verdict, and so do 2xx with an error instead of a result. Any
other status vetoes, and the error is `other`, except:

- 401 from OpenCode Zen about a model
- 403 with one of three texts of OpenAI's or one of Perplexity's
- 405 about a missing route, or from a server that only streams
- 410 about a retired model
- 500 in a template's words, from vLLM at messages, or for a conversion that new-api lacks
- 500 and 502 if the error itself has another status, or a type that blames the request
- 501 about a missing route or a wrong endpoint, or from a server that only streams
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.envelopes.bare_texts import read_text
from gateway.envelopes.error_envelopes import ErrorDetails, is_error_in_success, read_error
from gateway.envelopes.printed_values import decode_body
from gateway.resolve.refusals.betas import refused_betas
from gateway.resolve.refusals.destinations import Called
from gateway.resolve.refusals.forced_calls import without_thinking
from gateway.resolve.refusals.history.developer_role import BY_SCHEMA
from gateway.resolve.refusals.history.earlier_thinking import (
    BINDING,
    ITEMS,
    THINKING,
    is_bound,
    refuses_reasoning,
    refuses_thinking,
)
from gateway.resolve.refusals.history.history_fields import demanded_field
from gateway.resolve.refusals.history.system_turns import USERS, is_the_models, refuses_system_turn
from gateway.resolve.refusals.history.template_words import is_of_template
from gateway.resolve.refusals.limits import no_room, too_large
from gateway.resolve.refusals.missing_models import (
    is_not_found,
    is_retired,
    named_instead,
    replacement,
)
from gateway.resolve.refusals.missing_routes import (
    NO_METHOD,
    is_missing_page,
    is_missing_route,
    is_unimplemented,
)
from gateway.resolve.refusals.parameter_fixes import ParameterFix, fixes_for
from gateway.resolve.refusals.parameters import refused_parameters
from gateway.resolve.refusals.sentence_parts import AGENT_API
from gateway.resolve.refusals.streams_only import STREAM, delivery_asked_for, is_of_the_model
from gateway.resolve.refusals.unrelated import is_unrelated
from gateway.resolve.refusals.wrong_endpoints import is_unconverted, wrong_endpoint
from gateway.shapes import Shape


class Verdict(StrEnum):
    """What an upstream's error is about."""

    WRONG_ENDPOINT = "wrong_endpoint"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_RETIRED = "model_retired"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    UNKNOWN_ROUTE = "unknown_route"
    """The upstream has no such endpoint for any model; this says nothing about the model."""
    OTHER = "other"
    """Access, limits, content, values, faults: passed to the client unchanged."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A classified error of an upstream.

    `message` is without envelope and decorations, and empty if there is none; `type` and `code` are
    the upstream's own, with numbers as text.
    """

    verdict: Verdict
    alternatives: tuple[Shape, ...] = ()
    """Endpoints to try instead, best first; may be empty."""
    other_endpoint: str | None = None
    """The endpoint, below /v1, of a model that generates no text: `audio/speech`. Taken from the
    refusal, or else from the model's name: advice, not a proof."""
    request_dependent: bool = False
    """Whether only this request needs another endpoint; the model may live at the one called."""
    fixes: tuple[ParameterFix, ...] = ()
    """Changes that make the request acceptable. Empty: none that preserves its meaning."""
    model_is_here: bool = False
    """Whether the model refused a parameter, and so lives at the endpoint called. A server's schema
    refuses before it looks at the model."""
    replacement: str | None = None
    """The model that the upstream recommends instead of a missing or retired one."""
    message: str = ""
    type: str | None = None
    code: str | None = None


_OPEN = frozenset({400, 404, 422})
_NO_ACCESS = 401
_NOT_ALLOWED = 403
_GONE = 410
_FAULT = 500
_NOT_IMPLEMENTED = 501
_RELAYED = frozenset({_FAULT, 502})
"""Statuses that relays give to any refusal of their upstream (new-api by `status_code_mapping`)."""
_OF_THE_REQUEST = frozenset({"badrequesterror", "invalid_request_error"})
"""Types of errors that are the fault of the request, not of a server."""
_STATUS = re.compile(r"[45]\d\d")
_LACKING = {
    NO_METHOD: (Verdict.UNKNOWN_ROUTE,),
    _NOT_IMPLEMENTED: (Verdict.UNKNOWN_ROUTE, Verdict.WRONG_ENDPOINT),
}
"""The verdicts that these statuses admit; they can also mean that only streams are served."""

# OpenAI uses 403 for three texts that are not about access, and Perplexity for one.
_NOT_ABOUT_ACCESS = re.compile(
    r"(?i)You are not allowed to (?:generate embeddings|request logprobs|sample) "
    rf"from this model\.?$|{AGENT_API}"
)
# OpenCode Zen answers 401 about a model before it looks at the key; `AuthError` is about keys.
_ABOUT_THE_MODEL = "ModelError"
# At messages, vLLM gives this type to every error that it has not recognised, its own faults
# included; but no text of a fault is among the known ones.
_CAUGHT = "internal_error"


def classify(
    called: Called, status: int, body: object, *, model: str, sent: Collection[str] = ()
) -> Refusal:
    """Classify an upstream's reply. Never raises, whatever the body.

    `called` is the endpoint that answered (None: one that generates no text). `body` is the reply's
    body, as bytes or decoded: JSON or a short text. More than 64 KiB, or anything else, is `other`,
    except for the pages by which servers say that a route is missing. `model` is the name as sent.
    `sent` are the names of the parameters in the refused request, nested ones with a dot; an error
    about a parameter that was not sent is `other`.

    Statuses are judged as described at the head of this module, and so are those that relays write
    before the message. A 2xx reply is classified only if it has an error instead of a result.
    """
    decoded = decode_body(body)
    reply = read_error(decoded)
    if 200 <= status < 300 and not is_error_in_success(decoded):
        return Refusal(Verdict.OTHER)
    if reply is None:
        if is_missing_page(status, body, any_html=called is Shape.MESSAGES):
            return Refusal(Verdict.UNKNOWN_ROUTE)
        reply = _of_text(status, body)
    if reply is None:
        return Refusal(Verdict.OTHER)
    judged = _judge(_with_name_as_one_word(reply, model), called, model, sent)
    is_bare = status == _NOT_IMPLEMENTED and judged.verdict is Verdict.OTHER
    if is_bare and is_unimplemented(reply):
        judged = _refusal(Verdict.UNKNOWN_ROUTE, reply)
    refusal = replace(judged, message=reply.message)
    statuses = _behind_relay(reply) if status in _RELAYED else ()
    admitted = all(
        _status_admits(each, reply, refusal) for each in statuses or (status, *reply.statuses)
    )
    return refusal if admitted else _other(reply)


def _with_name_as_one_word(reply: ErrorDetails, model: str) -> ErrorDetails:
    """Return an error whose message has a model's name without spaces, as the patterns expect."""
    if " " not in model or model not in reply.message:
        return reply
    return replace(reply, message=reply.message.replace(model, model.replace(" ", "_")))


def _of_text(status: int, body: object) -> ErrorDetails | None:
    """Return the error in a text without JSON; None: there is none.

    A missing route counts with status 501 only: `is_missing_page` has those with 404 and 405.
    """
    reply = read_text(body)
    is_route = reply is not None and is_missing_route(reply)
    return None if is_route and status != _NOT_IMPLEMENTED else reply


def _behind_relay(reply: ErrorDetails) -> tuple[int, ...]:
    """Return the statuses that a relay received, as the error says; empty: a server's fault.

    The last one comes from the server that refused the request. Statuses stand before the message,
    in `code`, or (one-api) in `param`; without any, a type that blames the request counts as 400.
    """
    numbers = filter(_STATUS.fullmatch, filter(None, (reply.code, reply.param)))
    said = (*reply.statuses, *map(int, numbers))
    if not said and (reply.type or "").lower() in _OF_THE_REQUEST:
        return (400,)
    is_refused = bool(said) and said[-1] not in _RELAYED
    return tuple(each for each in said if each not in _RELAYED) if is_refused else ()


def _status_admits(status: int, reply: ErrorDetails, refusal: Refusal) -> bool:
    verdict = refusal.verdict
    if status in _OPEN or 200 <= status < 300:
        return True
    if status == _NO_ACCESS:
        absent = verdict in (Verdict.WRONG_ENDPOINT, Verdict.MODEL_NOT_FOUND)
        return absent and reply.type == _ABOUT_THE_MODEL
    if status == _NOT_ALLOWED:
        return _NOT_ABOUT_ACCESS.match(reply.message) is not None
    if status == _GONE:
        return verdict is Verdict.MODEL_RETIRED
    if status == _FAULT:
        caught = reply.type == _CAUGHT and verdict is not Verdict.MODEL_NOT_FOUND
        return caught or is_unconverted(reply) or is_of_template(reply.message)
    if status not in _LACKING:
        return False
    return verdict in _LACKING[status] or any(fix.action == STREAM for fix in refusal.fixes)


def _judge(reply: ErrorDetails, called: Called, model: str, sent: Collection[str]) -> Refusal:
    """Classify by the text alone. The order matters: specific before general."""
    limit = too_large(reply, sent) or no_room(reply, called, sent)
    if limit is not None:
        return _unsupported(reply, limit)
    if is_unrelated(reply):
        return _other(reply)
    if is_missing_route(reply):
        return _refusal(Verdict.UNKNOWN_ROUTE, reply)
    destination = wrong_endpoint(reply, called, model, sent)
    if destination is not None:
        return replace(
            _refusal(Verdict.WRONG_ENDPOINT, reply),
            alternatives=destination.alternatives,
            other_endpoint=destination.other_endpoint,
            request_dependent=destination.request_dependent,
        )
    of_more = _fix_of_more(reply, called, sent)
    if of_more is not None:
        return of_more
    refused = refused_parameters(reply, sent)
    if refused is not None:
        is_here = all(parameter.by_model for parameter in refused)
        return _unsupported(reply, *fixes_for(refused, called, sent), is_here=is_here)
    if is_retired(reply, model):
        return replace(_refusal(Verdict.MODEL_RETIRED, reply), replacement=replacement(reply))
    if is_not_found(reply, model):
        return replace(_refusal(Verdict.MODEL_NOT_FOUND, reply), replacement=named_instead(reply))
    return _other(reply)


def _fix_of_more(reply: ErrorDetails, called: Called, sent: Collection[str]) -> Refusal | None:
    """Classify an error about more than single parameters; None: any other error."""
    message, of_history = reply.message, _fix_of_history(reply, called, sent)
    if of_history is not None:
        return _unsupported(reply, of_history, is_here=of_history.name not in BY_SCHEMA)
    if betas := refused_betas(message, sent):
        return _unsupported(reply, *betas, is_here=False)
    if called is Shape.MESSAGES and "messages" in sent and refuses_system_turn(message):
        retell = ParameterFix("retell", "role", USERS)
        return _unsupported(reply, retell, is_here=is_the_models(message))
    if (delivery := delivery_asked_for(message, called, sent)) is not None:
        return _unsupported(reply, delivery, is_here=is_of_the_model(message))
    unthinking = without_thinking(message, called) if called and "tool_choice" in sent else None
    return None if unthinking is None else _unsupported(reply, unthinking)


def _fix_of_history(
    reply: ErrorDetails, called: Called, sent: Collection[str]
) -> ParameterFix | None:
    """Return the fix for an error about earlier messages; None: it is about something else."""
    message = reply.message
    if called is None:
        return None
    if called is Shape.RESPONSES and refuses_reasoning(message, reply.code):
        return ParameterFix("strip", ITEMS)
    demanded = demanded_field(message, called, sent)
    if demanded is not None:
        return ParameterFix("fill", demanded)
    if called is not Shape.MESSAGES or not refuses_thinking(message):
        return None
    asks = is_bound(message) and BINDING not in sent
    return ParameterFix("fill", BINDING) if asks else ParameterFix("strip", THINKING)


def _refusal(verdict: Verdict, reply: ErrorDetails) -> Refusal:
    return Refusal(verdict, message=reply.message, type=reply.type, code=reply.code)


def _unsupported(reply: ErrorDetails, *fixes: ParameterFix, is_here: bool = True) -> Refusal:
    refusal = _refusal(Verdict.UNSUPPORTED_PARAMETER, reply)
    return replace(refusal, fixes=fixes, model_is_here=is_here)


def _other(reply: ErrorDetails) -> Refusal:
    return _refusal(Verdict.OTHER, reply)
