"""Leaves out of requests to count tokens the hints that their server refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from gateway.exchange.bodies.body_pieces import encode_in_pieces
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.params.betas import headers_without_betas
from gateway.exchange.params.fixing import (
    fixed_bodies,
    for_own_clients,
    may_apply,
    parameter_names,
    subject_of,
)
from gateway.exchange.params.known_fixes import Fixes
from gateway.request import Request
from gateway.resolve.refusals.betas import sent_betas
from gateway.resolve.refusals.classify import classify
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report


@dataclass(frozen=True, slots=True)
class _Counted:
    """The body of a request to count at a messages endpoint, where all names are the client's."""

    report: Report
    calls: Sequence[Json]

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002 - there is one
        return param


def without_refused(request: Request, fixes: Fixes, report: Report) -> Request:
    """Return a request with the fixes of a messages endpoint applied, and add to `report`."""
    headers, left_out = headers_without_betas(request.headers, fixes)
    if left_out:
        request = structs.replace(request, headers=headers)
        for name in left_out:
            report.drop(name)
    # A count is never streamed.
    others = tuple(fix for fix in fixes if fix.action not in ("beta", "stream"))
    body = request.body
    if not (others and isinstance(body, bytes) and may_apply(others, body)):
        return request
    counted = _Counted(report, [read_object(body)])
    (fixed,) = fixed_bodies(counted, others)
    if fixed == counted.calls[0]:
        return request
    return structs.replace(request, body=encode_in_pieces(fixed, len(body)), length=None)


def more_fixes(request: Request, reply: ClientReply, model: str, fixes: Fixes) -> Fixes:
    """Return the fixes to add to those of a refused request to count; none if it stays refused.

    Only hints are fixed: the client has to change anything else itself, as in messages.
    """
    if not (isinstance(request.body, bytes) and isinstance(reply.body, bytes)):
        return ()
    sent = parameter_names(read_object(request.body)).union(sent_betas(request.headers))
    more = classify(Shape.MESSAGES, reply.status, reply.body, model=model, sent=sent).fixes
    is_streamed = any(fix.action == "stream" for fix in more)
    is_new = are_new(more, fixes) and not is_streamed
    return more if is_new and for_own_clients(more, Shape.MESSAGES) == more else ()


def are_new(more: Fixes, fixes: Fixes) -> bool:
    """Whether none of the fixes in `more` changes what one of the known `fixes` has changed."""
    return set(map(subject_of, fixes)).isdisjoint(map(subject_of, more))
