"""Which parameters an upstream's error names as unsupported.

Every name must be in the request that was sent; an error about any other parameter means something
else.
"""

import re
from collections.abc import Collection
from dataclasses import replace

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.envelopes.printed_values import python_literal
from gateway.resolve.refusals.fixed_bodies import parameter_value
from gateway.resolve.refusals.listed_fields import listed_fields, with_indexes
from gateway.resolve.refusals.naming.effort_rules import (
    EFFORT_NAMES,
    HARMONY,
    HARMONY_EFFORTS,
)
from gateway.resolve.refusals.naming.naming_rule import BETWEEN, NamingRule
from gateway.resolve.refusals.naming.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.naming.sentence_rules import UNNAMED
from gateway.resolve.refusals.parameter_fixes import RefusedParameter
from gateway.servers.efforts import EFFORTS, nearest_effort
from gateway.shapes import Json

# These only set a degree: an answer at the model's default is closer to the request than an error.
# Other degrees may be supported, so only the refused one is remembered.
_DEGREES = frozenset({*EFFORT_NAMES, "verbosity", "text.verbosity"})
_QUOTES = "`'\""
_DEGREE_REFUSED = re.compile(
    # OpenAI, of its schema; Groq
    r"Invalid value: (?P<quote>[`'\"])(?P<given>\w{1,20})(?P=quote)\. Supported values are:"
    rf"|[`'\"]?(?P<name>{'|'.join(map(re.escape, sorted(_DEGREES)))})[`'\"]? must be one of:? "
    r"(?=[`'\"])"
    # zod 4 and 3
    r"|Invalid (?:option: expected one of|enum value\. Expected) (?=['\"])",
    re.IGNORECASE,
)
_SERVERS = r"(?:[^\n`'\"]{0,60}(?:[`'\"][^`'\"\n]{1,200}[`'\"])?[^\n`'\"]{0,60}[ :(])?"
_EFFORTS_NAME = rf"(?:{'|'.join(map(re.escape, EFFORT_NAMES))}|reasoning effort)"
# Both marks or none: behind one alone, text of the request may be quoted.
_EFFORT = rf"(?:[`'\"]{_EFFORTS_NAME}[`'\"]|{_EFFORTS_NAME}\b)"
_LISTED = rf"[`'\"\[( ]{{0,4}}(?:{'|'.join(EFFORTS)}|default)\b"
_EFFORTS_TAKEN = re.compile(
    # Mistral, zod with a path, small servers and agents, each with words of its own
    rf"{_SERVERS}{_EFFORT}[^\n]{{0,100}}?\b(?:must be(?: one of)?|expected one of|Input should be|"
    r"(?:supported|accepted|allowed|valid|available|permitted)(?: \w{1,20}){0,2})"
    rf":?{_LISTED}(?=[^\n]{{1,6}}\b(?:{'|'.join(EFFORTS)}|default)\b)"
    # Z.ai
    rf"|This model always engages in thinking and cannot be disabled; please use{_LISTED}"
    # OpenRouter; Gemini
    r"|Reasoning is mandatory for this endpoint and cannot be disabled"
    r"|Budget 0 is invalid\. This model only works in thinking mode"
    # pydantic as it prints errors (Cerebras)
    rf"|1 validation error for \w{{1,80}}\n{_EFFORTS_NAME}\n\s{{1,4}}Input should be{_LISTED}",
    re.IGNORECASE,
)
"""Texts that refuse an effort: they list the accepted ones, or demand that the model thinks."""
_SWITCH = "reasoning.enabled"
_IS_MANDATORY = "cannot be disabled"
"""OpenRouter takes `reasoning.enabled`, a switch, in place of an effort (inspect_ai#2824)."""
_OF_A_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_WORD = re.compile(r"\w{1,20}")
_DEFAULT = re.compile(r"(?<!\()\bdefault\b(?!\))")
"""The word, unless it stands in brackets after another one."""
_VALUE_REFUSED = re.compile(
    r"Unsupported value: (?P<quote>[`'\"])(?P<given>[^`'\"\n]{0,200})(?P=quote) is not supported "
    r"with (?:this model|the [`'\"]\S{1,200}[`'\"] model)"
)
# OpenAI, Qwen's chat template, CLIProxyAPI, pydantic (both versions), Anthropic, zod, Z.ai, relays
_SUPPORTED = re.compile(
    r"\b(?:(?:supported|accepted|allowed|valid|available|permitted)(?: (?!for|by|with|on)\w{1,20})"
    r"{0,2}|Input should be|Use effort|must be one of|expected(?: one of)?|please use|"
    rf"(?:must be|use)(?={_LISTED}))"
    r":?[ \[(]{1,3}((?!for |by |with |on ).{1,200})",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"\b(?:received|got|but|input_value)\b", re.IGNORECASE)
"""What stands between the accepted words and the one that was sent."""
# Anthropic: the type in the path of a field of thinking, of a choice, or of a mark
# (claude-code#69618)
_TAG = re.compile(
    r"\A(thinking|cache_control|tool_choice)"
    r"\.(?:adaptive|disabled|enabled|ephemeral|auto|any|tool|none)(?=\.)"
)
_BETWEEN = re.compile(BETWEEN)
# lmdeploy: "x is not supported by Responses Text V1.", with `x` as the error's parameter.
_NAMED_FIRST = re.compile(r" is not supported by \S")


def refused_parameters(
    reply: ErrorDetails, sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    """Return the parameters that an error refuses, by their names in the request that was sent.

    None if it refuses none, or one that was not sent.
    """
    if _is_of_schemas_degree(reply):
        return _refused_degree(reply, sent)
    if reply.unknown_fields:
        return _all_sent([RefusedParameter(name) for name in reply.unknown_fields], sent)
    listed = listed_fields(reply.message)
    if listed:
        return _all_sent([RefusedParameter(name) for name in listed], sent)
    if reply.param in _DEGREES and reply.given is not None:
        return _all_sent([_value_refused(reply.param, reply.given, reply.message)], sent)
    value = _VALUE_REFUSED.match(reply.message) if reply.param else None
    if reply.param and value is not None:
        refused = _value_refused(reply.param, value["given"], reply.message)
        return _all_sent([replace(refused, by_model=True)], sent)
    named = reply.param if reply.param != "model" else None
    if named and (
        _NAMED_FIRST.match(reply.message.removeprefix(named)) or UNNAMED.match(reply.message)
    ):
        return _all_sent([RefusedParameter(named)], sent)
    for rule in NAMING_RULES:
        match = rule.pattern.match(reply.message)
        if match is not None:
            return _apply(rule, match, sent)
    return _refused_effort(reply.message, sent)


def is_of_degree(reply: ErrorDetails) -> bool:
    """Whether an error refuses a degree (one of a few words) and says which words are accepted.

    Such an error can have the code of any other wrong value.
    """
    taken = _EFFORTS_TAKEN.match(reply.message)
    return taken is not None or _is_of_schemas_degree(reply)


def _is_of_schemas_degree(reply: ErrorDetails) -> bool:
    found = _DEGREE_REFUSED.match(reply.message)
    return found is not None and (found["name"] or reply.param) in _DEGREES


DEGREE_FIELDS = frozenset(name.partition(".")[0] for name in _DEGREES)
"""The top-level parameters that can be, or have, a degree."""


def degrees_in(body: Json) -> list[str]:
    """Return the degrees in a body as entries (`high=reasoning_effort`) beside the names in `sent`.

    None of them can be taken for the name of a parameter.
    """
    values = {name: parameter_value(body, name) for name in _DEGREES}
    words = [(value, name) for name, value in values.items() if isinstance(value, str)]
    return [f"{word}={name}" for word, name in words if _WORD.fullmatch(word)]


def _refused_degree(
    reply: ErrorDetails, sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    """Return the degree that an error refuses: the one it names, or else the one that was sent."""
    found = _DEGREE_REFUSED.match(reply.message)
    name = (found and found["name"]) or reply.param or ""
    given = (found and found["given"]) or next(iter(_words_sent(name, sent)), None)
    return None if given is None else _all_sent([_value_refused(name, given, reply.message)], sent)


def _refused_effort(message: str, sent: Collection[str]) -> tuple[RefusedParameter, ...] | None:
    """Return the effort that was sent, if an error lists the accepted efforts."""
    taken = _EFFORTS_TAKEN.match(message)
    if taken is None:
        return None
    by_model = _OF_A_MODEL.search(taken[0]) is not None
    words = {name: _words_sent(name, sent) for name in EFFORT_NAMES}
    refused = [_value_refused(name, given[0], message) for name, given in words.items() if given]
    if not refused and _SWITCH in sent and _IS_MANDATORY in message:
        refused = [RefusedParameter(_SWITCH)]
    return _all_sent([replace(each, by_model=by_model) for each in refused], sent)


def _words_sent(name: str, sent: Collection[str]) -> list[str]:
    """Return the words that were sent as a degree; see `degrees_in`."""
    return [entry.partition("=")[0] for entry in sent if entry.endswith(f"={name}")]


def _apply(
    rule: NamingRule, match: re.Match[str], sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    if rule.beside is not None and rule.beside not in sent:
        return None
    groups = match.groupdict()
    names = list(rule.about) or _names(groups)
    if rule.about or rule.any_of:
        names = [name for name in names if name in sent]
    if rule.value_only:
        given = groups.get("given")
        refused = [_as_given(_value_refused(name, given, match.string), sent) for name in names]
        refused = [
            replace(each, by_model=rule.by_model, beside_others=rule.beside_others)
            for each in refused
        ]
    else:
        refused = [
            RefusedParameter(
                name,
                groups.get("instead"),
                unknown=rule.unknown,
                by_model=rule.by_model,
                given=rule.entry,
                beside_others=rule.beside_others,
                beside=rule.beside,
            )
            for name in names
        ]
    return _all_sent(refused, sent)


def _value_refused(name: str, given: str | None, message: str) -> RefusedParameter:
    """Return a parameter of which only a value is refused; a degree comes with that value."""
    if name not in _DEGREES:
        return RefusedParameter(name, value_only=True)
    word = given and given.strip(_QUOTES).lower()
    nearest = _nearest(word, message) if word else None
    return RefusedParameter(name, given=word, nearest=nearest)


def _as_given(refused: RefusedParameter, sent: Collection[str]) -> RefusedParameter:
    """Return a refused degree as the word that was sent, if the server names another one.

    Ollama's messages turn `xhigh` into `high` (ollama#17906), so no word in its error helps.
    """
    words = _words_sent(refused.name, sent)
    if refused.given is None or not words or refused.given in words:
        return refused
    return replace(refused, given=words[0], nearest=None)


def _nearest(degree: str, message: str) -> str | None:
    """Return the nearest degree that a message says is supported; None: it names no other.

    It serves verbosities, too: their words are among those for efforts.
    """
    listed = _SUPPORTED.search(message)
    text = "" if listed is None else _GIVEN.split(listed[1])[0]
    words = HARMONY_EFFORTS if message.startswith(HARMONY) else re.findall(r"\w+", text)
    if _DEFAULT.search(text) and degree != EFFORTS[0]:
        return None  # the model's default is nearer than `none`
    found = nearest_effort(degree, [word for word in words if word in EFFORTS])
    return found if found != degree else None


def _names(groups: dict[str, str | None]) -> list[str]:
    literal = groups.get("literal")
    if literal is not None:
        value = python_literal(literal)
        if isinstance(value, set):
            return sorted(map(str, value))
        return [str(name) for name in value] if isinstance(value, dict | list) else []
    text = groups.get("names") or groups.get("name") or ""
    return [name.strip(_QUOTES).rstrip(".") for name in _BETWEEN.split(text)]


def _all_sent(
    refused: list[RefusedParameter], sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    """Return the parameters under the names they were sent by; None unless all were sent."""
    found: list[RefusedParameter] = []
    for parameter in refused:
        name = _as_sent(parameter.name, sent)
        if name is None:
            return None
        found.append(replace(parameter, name=name))
    return tuple(found) or None


def _as_sent(name: str, sent: Collection[str]) -> str | None:
    # xAI names parameters as its own code does: `presencePenalty`.
    # Others write them in words: "presence penalty".
    snake_case = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().replace(" ", "_")
    forms = (name, snake_case, with_indexes(name), _TAG.sub(r"\1", name))
    return next((form for form in forms if _is_sent(form, sent)), None)


def _is_sent(name: str, sent: Collection[str]) -> bool:
    """Whether the request has the first two levels of a path; `sent` has no deeper ones."""
    root, index, _ = name.partition("[")
    if index:
        return ".".join(root.split(".")[:2]) in sent
    return ".".join(name.split(".")[:2]) in sent
