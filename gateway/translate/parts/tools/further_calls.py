"""Calls after the arguments of another call: several JSON texts in place of one."""

from gateway.translate.parts.tools.arguments import BETWEEN, ArgumentText, opens_json, same_json
from gateway.translate.parts.tools.call_faults import two_in_one


def further_calls(rest: str, arguments: str, *, truncated: bool) -> list[str]:
    """Return the arguments of each further call in the text after one call's arguments.

    Repetitions of these arguments are left out; other text after the JSON stays with the last call,
    for the client to judge. Unless the reply is `truncated` (something has cut it short), this
    raises `UpstreamError` for calls that lack their end.
    """
    others: list[str] = []
    while opens_json(rest):
        other = ArgumentText()
        rest = other.add(rest.lstrip(BETWEEN))
        if not truncated and not other.ended:
            raise two_in_one()
        if not same_json(other.text, arguments):
            others.append(other.text)
    if others and rest.strip(BETWEEN):
        others[-1] += rest
    return others
