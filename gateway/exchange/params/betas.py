"""Requests without the betas that their server has refused."""

from dataclasses import replace

from gateway.exchange.decision import Decision
from gateway.exchange.params.known_fixes import Fixes
from gateway.request import GenerationRequest
from gateway.resolve.refusals.betas import FIELD, betas_in, entry
from gateway.shapes import ClientHeaders, RawHeaders, Shape
from gateway.translate.contract import Report

_HEADER = FIELD.encode()


def without_betas(
    call: GenerationRequest, shape: Shape, fixes: Fixes, decision: Decision
) -> tuple[GenerationRequest, Fixes]:
    """Return a request without the betas that fixes leave out, and the other fixes.

    The body stays as it is. The decision gets the report.
    """
    refused = {fix.given for fix in fixes if fix.action == "beta"}
    if not refused:
        return call, fixes
    headers, left_out = without(call.headers, refused)
    if left_out:
        call = replace(call, headers=headers)
        decision.params = report = decision.params or Report(call.shape, shape)
        for name in left_out:
            report.drop(name)
    return call, tuple(fix for fix in fixes if fix.action != "beta")


def without(headers: RawHeaders, refused: set[str | None]) -> tuple[ClientHeaders, list[str]]:
    """Return header fields without some betas (None: any), and what to report of that."""
    given = betas_in(headers)
    kept = [] if None in refused else [beta for beta in given if beta not in refused]
    fields = [field for field in headers if field[0] != _HEADER]
    if kept:
        fields.append((_HEADER, ",".join(kept).encode("latin-1")))
    if None in refused:
        return ClientHeaders(fields), [FIELD] if given else []
    return ClientHeaders(fields), [entry(beta) for beta in given if beta in refused]
