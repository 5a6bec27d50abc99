"""Fields within parameters that the client's endpoint does not know.

They never fail a request: clients annotate what they send, servers extend what they take. Where the
target's shape has the same place, and the server takes what is not OpenAI's (`extra_params`), they
are passed to that place; all others are in the report.
"""

from collections.abc import Set as AbstractSet

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.checks import Record
from gateway.translate.schema.extra_params import policy_for
from gateway.translate.schema.hints import HINTS

NOTHING: AbstractSet[str] = frozenset()


def passes_unknown(context: Context) -> bool:
    """Whether fields that OpenAI's endpoints do not know are sent to the server."""
    return policy_for(context) == "pass"


def carry_unknown(
    source: Json,
    known: Record,
    path: str,
    context: Context,
    report: Report,
    target: Json | None = None,
    reserved: AbstractSet[str] = NOTHING,
) -> None:
    """Write the fields of `source` that are not `known` into `target`, its place at the target.

    Fields that cannot be passed are reported under `path`, the client's name of the source: all of
    them where there is no target, or the server takes none; else hints, and names that are
    `reserved` or already in the target.
    """
    if known.names.issuperset(source):
        return
    passes = target is not None and passes_unknown(context)
    left: list[str] = []
    withheld = HINTS | reserved
    for name, value in source.items():
        if name in known.names:
            continue
        if passes and target is not None and name not in withheld and name not in target:
            target[name] = value
        else:
            left.append(name)
    for name in sorted(left):
        report.drop(f"{path}.{name}")


def strip_unknown(
    source: Json,
    known: Record,
    path: str,
    context: Context,
    report: Report,
    *,
    has_place: bool = True,
) -> Json:
    """Return the fields of `source` that are known or may be passed; the others are reported.

    `has_place`: the target's shape has the same place.
    """
    if known.names.issuperset(source):
        return source
    kept = {name: value for name, value in source.items() if name in known.fields}
    carry_unknown(source, known, path, context, report, kept if has_place else None)
    return kept
