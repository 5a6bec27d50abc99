"""Judges an upstream's reply about one model: its card, or a denial in one of several forms.

OpenAI denies a model with a 404. One-api and LM Studio put the denial into a 200; vLLM, llama.cpp
and TGI have a list of models and no route for a card.
"""

from collections.abc import Sequence
from functools import partial

from gateway.envelopes.anthropic_params import is_anthropics
from gateway.envelopes.printed_values import decode_body
from gateway.errors import ModelNotFound, UpstreamReplied
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.errors.error_replies import error_of_reply
from gateway.exchange.errors.failures import NO_ROUTE
from gateway.exchange.models.lists import cards_by_id, in_pieces
from gateway.exchange.models.upstream_lists import Listed, Unlisted, UpstreamLists
from gateway.exchange.reply.reading import is_compressed
from gateway.exchange.restricted.allowed_models import is_allowed
from gateway.headers import speaks_anthropic
from gateway.request import Request
from gateway.resolve.refusals.classify import Refusal, Verdict, classify
from gateway.resolve.resolver import Resolver
from gateway.translate.parts.sentences import joined
from gateway.translate.parts.to_messages.replied_errors import in_openai_terms

_ABOUT_THE_MODEL = (Verdict.MODEL_NOT_FOUND, Verdict.MODEL_RETIRED)


class Cards:
    """Judges the replies to requests for cards."""

    def __init__(self, resolver: Resolver, lists: UpstreamLists) -> None:
        self._resolver = resolver
        self._lists = lists

    async def judge(
        self,
        call: Request,
        decision: Decision,
        reply: ClientReply,
        model: str,
        shorter: Sequence[str],
        model_asked: str = "",
    ) -> ClientReply:
        """Return the reply to a request for a card, or the card from the upstream's list.

        `shorter` are other models that the request's path may be about; `model_asked` is the
        client's name, if `model` is the name as sent. Raises `ModelNotFound` for a denial, unless
        the client's own API writes denials like that, and the upstream's error if it is in the form
        of the other API.
        """
        anthropic = speaks_anthropic(call.path, call.headers)
        denial = _denial(reply, model, anthropic=anthropic)
        if denial is None:
            return _readable(reply, anthropic=anthropic)
        message = "" if denial.verdict is Verdict.UNKNOWN_ROUTE else denial.message
        if denial.verdict in _ABOUT_THE_MODEL:
            raise await self._absent(call, decision, model_asked or model, message)
        decision.attempts += 1
        answer = await self._lists.ask(decision.upstream, call.headers)
        if isinstance(answer, Unlisted):
            answer.note(decision)
            unknown = f"Its models could not be listed: {answer.reason}"
            raise await self._absent(call, decision, model_asked or model, message, unknown)
        cards = await _cards_of(answer, (model, *shorter))
        if model in cards:
            return json_reply(cards[model])
        if cards:  # the path goes on after a model's name
            return _readable(reply, anthropic=anthropic)
        raise await self._absent(call, decision, model_asked or model, message)

    async def _absent(
        self, call: Request, decision: Decision, model: str, message: str, unknown: str = ""
    ) -> ModelNotFound:
        upstream = decision.upstream
        near = await self._resolver.suggested.near(
            model,
            call.headers,
            partial(is_allowed, call.client),
            unreadable=(upstream,) if unknown else (),
        )
        allowed = [repr(name) for name in near]
        return ModelNotFound(
            joined(
                message or f"The model '{model}' does not exist or you do not have access to it",
                f"The gateway asked upstream '{upstream}' for its card",
                unknown,
                f"Did you mean {' or '.join(allowed)}?" if allowed else "",
            ),
            param="model",
        )


def _denial(reply: ClientReply, model: str, *, anthropic: bool) -> Refusal | None:
    """Return the refusal in a reply; None if there is none, or the client can read it as it is."""
    status, body = reply.status, reply.body
    succeeded = 200 <= status < 300
    if not isinstance(body, bytes) or not (succeeded or status in NO_ROUTE):
        return None
    if is_compressed(tuple(reply.headers)):
        return None
    refusal = classify(None, status, body, model=model)
    if refusal.verdict is Verdict.UNKNOWN_ROUTE:
        return refusal
    if succeeded:
        return refusal if refusal.verdict in _ABOUT_THE_MODEL else None
    return None if _is_as_clients_api_writes_it(body, anthropic=anthropic) else refusal


def _is_as_clients_api_writes_it(body: bytes, *, anthropic: bool) -> bool:
    decoded = decode_body(body)
    error = decoded.get("error") if isinstance(decoded, dict) else None
    has_message = isinstance(error, dict) and isinstance(error.get("message"), str)
    return has_message and is_anthropics(decoded) is anthropic


def _readable(reply: ClientReply, *, anthropic: bool) -> ClientReply:
    """Return a reply if the client can read it; raises it as an error if it is in another form."""
    body, fields = reply.body, tuple(reply.headers)
    if reply.status < 400 or not isinstance(body, bytes) or is_compressed(fields):
        return reply
    if is_anthropics(decode_body(body)) is anthropic:
        return reply
    error = error_of_reply(reply.status, fields, body, lambda param: param)
    if not anthropic and isinstance(error, UpstreamReplied):
        raise in_openai_terms(error, reply.status)
    raise error


async def _cards_of(listed: Listed, names: Sequence[str]) -> dict[str, bytes]:
    """Return the listed cards that have one of these names, by name."""
    found: dict[str, bytes] = {}
    async for entries in in_pieces(listed.entries):
        found |= {name: card for name, card in reversed(cards_by_id(entries)) if name in names}
    return found
