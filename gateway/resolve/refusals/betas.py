"""Betas that a server refuses: names in `anthropic-beta`, which agents send whatever the server.

Claude at Google and at AWS refuses betas that it lacks there, at AWS without naming them
(claude-code#53855, claude-code#49370); relays before these pass the error on (new-api#2975).
"""

import re
from collections.abc import Collection
from typing import Final

from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import RawHeaders

FIELD: Final = "anthropic-beta"
BETA_HEADER: Final = FIELD.encode()
"""The field's name as bytes."""
_BETA = r"[`'\"]([\w.:-]{1,100})[`'\"]"
_QUOTED = re.compile(_BETA)
_WORD = re.compile(r"[\w.:-]{1,100}")
_NAMED = re.compile(
    rf"(?:vertex-ai error: )?Unexpected value\(s\)\s{{1,9}}((?:{_BETA}[,\s]{{1,9}}){{1,50}})"
    r"for the [`'\"]anthropic-beta[`'\"] header",
    re.IGNORECASE,
)
# AWS, with or without what its SDK writes before the message
_UNNAMED = re.compile(
    r"(?:InvokeModel\w{0,30}: operation error Bedrock Runtime: [^\n]{0,300}?)?"
    r"(?:ValidationException: |The model returned the following errors: )?invalid beta flag\b",
    re.IGNORECASE,
)


def betas_in(headers: RawHeaders) -> list[str]:
    """Return the betas that a request's header fields name."""
    values = b",".join(value for name, value in headers if name == BETA_HEADER)
    names = (name.strip() for name in values.decode("latin-1").split(","))
    return [name for name in names if name]


def entry(beta: str) -> str:
    """Return the name of a beta among a request's parameters, and in reports."""
    return f"{FIELD}[{beta}]"


def sent_betas(headers: RawHeaders) -> list[str]:
    """Return the betas among a request's parameters."""
    return [entry(beta) for beta in betas_in(headers)]


def refused_betas(message: str, sent: Collection[str]) -> tuple[ParameterFix, ...]:
    """Return the fixes for a refusal of betas; none if it is not about betas that were sent.

    If the server does not name the refused ones, one fix leaves out all betas of the request. It
    applies to later requests only if they have all of them.
    """
    ours = sorted(name[len(FIELD) + 1 : -1] for name in sent if name.startswith(f"{FIELD}["))
    named = _NAMED.match(message)
    if named is not None:
        betas: list[str] = _QUOTED.findall(named[1])
        is_ours = all(beta in ours for beta in betas)
        return tuple(ParameterFix("beta", FIELD, given=beta) for beta in betas if is_ours)
    unnamed = _UNNAMED.match(message)
    if unnamed is None or not ours:
        return ()
    words = {word.rstrip(".:") for word in _WORD.findall(message[unnamed.end() :])}
    listed = tuple(ParameterFix("beta", FIELD, given=beta) for beta in ours if beta in words)
    return listed or (ParameterFix("beta", FIELD, to=",".join(ours)),)
