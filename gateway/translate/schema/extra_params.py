"""Parameters that OpenAI does not have, and the `extra_params` policy for them."""

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.schema.hints import without_hints
from gateway.translate.schema.neutral import Neutral, is_neutral

_NEUTRAL: Neutral = {
    "extra_body": ({},),
    "ignore_eos": (False,),
    "min_p": (0,),
    "mirostat": (0,),
    "repeat_penalty": (1,),
    "repetition_penalty": (1,),
    "safe_prompt": (False,),
    "search_parameters": ({"mode": "off"},),
    "tfs_z": (1,),
    "top_a": (0,),
    "top_k": (0, -1),
    "transforms": ([],),
    "typical_p": (1,),
}
"""Parameters of other servers, with the values that mean the same as leaving them out.

Programs written for these servers send them to every model.
"""


def policy_for(context: Context) -> Literal["pass", "drop", "refuse"]:
    """Return the policy; `auto` is what the server itself would do."""
    policy = context.settings.extra_params
    if policy != "auto":
        return policy
    return "refuse" if context.capabilities.strict_params else "pass"


def extras_to_send(
    names: Iterable[str],
    client: Json,
    context: Context,
    report: Report,
    *,
    dropped: Collection[str] = (),
    known_everywhere: Collection[str] = (),
) -> Iterator[str]:
    """Yield the names of unknown parameters that may be sent; report the others as dropped.

    `client` is the request. Hints are never sent, nor are names in `dropped`, which mean something
    else at the other endpoint. Names in `known_everywhere` are sent under `auto` to every server.
    The policy `refuse` raises `InvalidRequest`, unless a value means the same as leaving it out.
    """
    policy = policy_for(context)
    is_auto = context.settings.extra_params == "auto"
    for name in without_hints(names, report):
        if is_auto and name in known_everywhere:
            yield name
        elif policy == "refuse":
            if not is_neutral(name, client[name], _NEUTRAL):
                raise _unknown(name, report.source)
        elif policy == "drop" or name in dropped:
            report.drop(name)
        else:
            yield name


def _unknown(name: str, endpoint: Shape) -> InvalidRequest:
    """Return the error for an unknown parameter, in the words of the client's endpoint."""
    shown = name[:100]
    if endpoint is Shape.RESPONSES:
        problem = f"Unknown parameter: '{shown}'."
    elif endpoint is Shape.MESSAGES:
        problem = f"{shown}: Extra inputs are not permitted."
    else:
        problem = f"Unrecognized request argument supplied: {shown}."
    return InvalidRequest(
        f"{problem} Remove it, or ask the gateway's operator to pass or drop it (extra_params).",
        param=name,
        code="unknown_parameter",
    )
