"""What `gateway translate` shows: the calls of a request, and what becomes of their replies."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import click

from gateway.admin.translation import Planned, planned_for
from gateway.app import Application
from gateway.cli.options import own_key
from gateway.config.checks.problems import counted
from gateway.errors import GatewayError
from gateway.exchange.bodies.misplaced_bodies import routed_to, shape_of
from gateway.exchange.bodies.request_fields import features_of, read_object, read_routed
from gateway.exchange.calls.feeding import Feeder
from gateway.exchange.errors.error_replies import translated_failure
from gateway.exchange.passthrough.body_model import json_model
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import reply_nested_too_deeply
from gateway.exchange.reply.whole_body import ReportedError, whole_reply
from gateway.resolve.evidence import Route
from gateway.resolve.resolver import ModelQuery
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Translation
from gateway.translate.parts.messages.errors import messages_error

_REFUSED = 400
"""The status of an error that is shown as a reply: files have none."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked on the command line. `home` None: the model is looked up."""

    client: Shape
    home: Shape | None
    kind: Profile
    body: bytes
    replies: Sequence[bytes]


async def translated(application: Application, question: Question) -> Json:
    """Return the calls, the report, and the translated reply if replies are given.

    Raises `GatewayError` for a request or a reply that becomes an error of the client's, and
    `ClickException` for a question without an answer.
    """
    client, named = question.client, read_object(question.body).get("model")
    model = named if isinstance(named, str) else ""
    route = await _route(application, question, model)
    planned = planned_for(application.resolver, application.attempts, route, client, question.body)
    replied: Json = {}
    if question.replies:
        try:
            replied = _replied(planned, question)
        except RecursionError:
            raise reply_nested_too_deeply() from None
    shown = planned.shown
    if question.home is None:
        shown["route"] = {"upstream": route.upstream, "resolved_by": route.resolved_by}
    return shown | replied


def as_client_gets_it(error: GatewayError, question: Question) -> Json:
    """Return the body of an error, in the envelope of the client's endpoint."""
    if question.client is not Shape.MESSAGES:
        return dict(error.envelope())
    return messages_error(error, json_model(question.body) or "")


async def _route(application: Application, question: Question, model: str) -> Route:
    if question.home is not None:
        return application.resolver.assumed(model, question.home, question.kind)
    routed = read_routed(question.body)
    shape = shape_of(question.client, question.body, routed)
    query = ModelQuery(model, shape, features_of(routed), own_key())
    return await routed_to(application.resolver, query, as_chat=shape is not question.client)


def _replied(planned: Planned, question: Question) -> Json:
    translation, home = planned.translation, planned.home
    count = len(translation.calls)
    if len(question.replies) != count:
        raise click.ClickException(
            f"the request becomes {counted(count, 'call')}; give --reply for each, in their order"
        )
    if planned.streamed:
        return {"events": _stream(planned, question.replies)}
    replies: list[Json] = []
    for position, body in enumerate(question.replies):
        reply = whole_reply(home, body, partial(translation.calls.__getitem__, position))
        if isinstance(reply, ReportedError):
            _fail(translation, position, reply.body)
        replies.append(reply)
    return {"reply": translation.reply(replies)}


def _fail(translation: Translation, position: int, body: bytes) -> NoReturn:
    raise translated_failure(translation, ErrorReply(position, _REFUSED, (), body))


def _stream(planned: Planned, replies: Sequence[bytes]) -> list[str]:
    """Return the client's events, one text each."""
    client, home = planned.client, planned.home
    renames = client is home and not planned.as_chat
    stream = planned.translation.stream()
    feeder = Feeder(client, home, len(replies), stream, renames=renames)
    out = b""
    for position, body in enumerate(replies):
        out += feeder.feed(position, body) + feeder.finish(position)
    error = feeder.take_error()
    if error is not None:
        raise error
    out += feeder.terminator()
    return out.decode().strip().split("\n\n")
