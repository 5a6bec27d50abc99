"""A route and its evidence as JSON, for `/resolve` and `gateway resolve --json`."""

from gateway.resolve.evidence import Evidence, Route
from gateway.shapes import Json, Shape


def explain(route: Route, client: Shape) -> Json:
    """Return the route as JSON: evidence strongest first, the deciding piece marked.

    Only redirected models have `redirected_to`.
    """
    decided = False
    evidence: list[Json] = []
    for piece in route.evidence:
        decides = bool(piece.shapes) and not decided
        decided = decided or decides
        evidence.append(_piece(piece, decides=decides))
    redirect = {"redirected_to": route.redirected_to} if route.redirected_to else {}
    return {
        "model": route.model_asked,
        "model_sent": route.model_sent,
        **redirect,
        "from": client,
        "upstream": route.upstream,
        "kind": route.kind.name,
        "endpoint": route.shape.endpoint,
        "endpoints": [shape.endpoint for shape in route.shapes],
        "translated": route.shape is not client,
        "resolved_by": route.resolved_by,
        "base": route.base,
        "retired": route.retired,
        "replacement": route.replacement,
        "quirks": sorted(route.quirks),
        "evidence": evidence,
    }


def _piece(piece: Evidence, *, decides: bool) -> Json:
    return {
        "source": piece.source,
        "detail": piece.detail,
        "endpoints": [shape.endpoint for shape in piece.shapes],
        "base": piece.base,
        "age_seconds": None if piece.age is None else round(piece.age, 1),
        "decides": decides,
    }
