"""Requests without the betas that their server has refused."""

from msgspec import structs

from gateway.exchange.decision import Decision
from gateway.exchange.params.known_fixes import Fixes
from gateway.request import GenerationRequest
from gateway.resolve.refusals.betas import BETA_HEADER, betas_in, entry
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import ClientHeaders, RawHeaders, Shape
from gateway.translate.contract import Report


def without_betas(
    call: GenerationRequest, shape: Shape, fixes: Fixes, decision: Decision
) -> tuple[GenerationRequest, Fixes]:
    """Return a request without the betas that fixes leave out, and the other fixes.

    The body stays as it is. What was left out is reported in the decision.
    """
    if not fixes:
        return call, fixes
    others = tuple(fix for fix in fixes if fix.action != "beta")
    headers, left_out = headers_without_betas(call.headers, fixes)
    if left_out:
        call = structs.replace(call, headers=headers)
        decision.params = report = decision.params or Report(call.shape, shape)
        for name in left_out:
            report.drop(name)
    return call, others


def headers_without_betas(headers: RawHeaders, fixes: Fixes) -> tuple[RawHeaders, list[str]]:
    """Return header fields without the betas that fixes leave out, and what to report of that."""
    refused = [_betas_of(fix) for fix in fixes if fix.action == "beta"]
    # Betas that were refused together with one that is refused alone may not be at fault.
    least = [those for those in refused if not any(other < those for other in refused)]
    given = betas_in(headers) if refused else []
    gone = frozenset[str]().union(*(those for those in least if those.issubset(given)))
    if not gone:
        return headers, []
    kept = [beta for beta in given if beta not in gone]
    fields = [field for field in headers if field[0] != BETA_HEADER]
    if kept:
        fields.append((BETA_HEADER, ",".join(kept).encode("latin-1")))
    return ClientHeaders(fields), [entry(beta) for beta in given if beta in gone]


def _betas_of(fix: ParameterFix) -> frozenset[str]:
    return frozenset((fix.given or fix.to or "").split(","))
