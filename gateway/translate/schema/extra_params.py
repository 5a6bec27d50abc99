"""Parameters that OpenAI does not know: what `extra_params` says of them."""

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from gateway.errors import InvalidRequest
from gateway.shapes import Shape
from gateway.translate.contract import Context, Report
from gateway.translate.schema.hints import without_hints


def policy_for(context: Context) -> Literal["pass", "drop", "refuse"]:
    """Return the policy; `auto` is what the server itself would do."""
    policy = context.settings.extra_params
    if policy != "auto":
        return policy
    return "refuse" if context.capabilities.strict_params else "pass"


def extras_to_send(
    names: Iterable[str],
    context: Context,
    report: Report,
    *,
    dropped: Collection[str] = (),
    known_everywhere: Collection[str] = (),
) -> Iterator[str]:
    """Yield those of a request's unknown parameters that may be sent; the others are reported.

    Never sent are hints, and those that mean something else at the other endpoint (`dropped`).
    Those that are `known_everywhere` are sent by `auto` whatever the server is. Raises
    `InvalidRequest` where the policy is to refuse.
    """
    policy = policy_for(context)
    is_auto = context.settings.extra_params == "auto"
    for name in without_hints(names, report):
        if is_auto and name in known_everywhere:
            yield name
        elif policy == "refuse":
            raise _unknown(name, report.source)
        elif policy == "drop" or name in dropped:
            report.drop(name)
        else:
            yield name


def _unknown(name: str, endpoint: Shape) -> InvalidRequest:
    """Return the error in the words of the client's endpoint."""
    shown = name[:100]
    if endpoint is Shape.RESPONSES:
        problem = f"Unknown parameter: '{shown}'."
    elif endpoint is Shape.MESSAGES:
        problem = f"{shown}: Extra inputs are not permitted."
    else:
        problem = f"Unrecognized request argument supplied: {shown}."
    return InvalidRequest(
        f"{problem} Remove it, or set extra_params to pass or drop for this model.",
        param=name,
        code="unknown_parameter",
    )
