"""Whether names lead to models: for `gateway check` and `gateway resolve`.

Upstreams are queried concurrently and once each, so any number of aliases on an upstream that does
not answer takes `timeouts.metadata` only once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.app import Application
from gateway.config.checks.addresses import path_of
from gateway.config.checks.own_keys import holds_key
from gateway.config.settings import CredentialPolicy, ModelRule, UpstreamSettings
from gateway.resolve.evidence import Route, Source
from gateway.resolve.metadata.cache import LookupFailed
from gateway.resolve.metadata.lookup import ModelList
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import RawHeaders, Shape

MAX_AT_ONCE = 1000
"""Names that are resolved concurrently."""

MAX_SUGGESTED = 20
"""Missing names for which near ones are looked for: more than that have one reason in common."""

_KEY_REFUSED = frozenset({401, 403})
_NOT_FOUND = 404


class Verdict(Enum):
    """What is known about the model behind a name."""

    GOOD = "good"
    NOT_THERE = "not there"
    UNCHECKED = "unchecked"
    """The model list that would decide could not be read."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A configured name, and where it leads."""

    name: str
    route: Route
    verdict: Verdict
    is_unlisted: bool = False
    """Whether it counts as good for its rule's endpoint alone: a list that was read lacks it."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The results, in the order of the configuration."""

    names: tuple[Checked, ...]
    unread: Mapping[str, LookupFailed]
    """The upstreams whose model list could not be read, and the reasons."""


async def check_names(application: Application, headers: RawHeaders) -> Findings:
    """Resolve every alias and redirect as a client with these header fields would see them.

    A glob stands for the names that it matches: it is resolved where all lead to the same model.
    """
    names = _names(application)
    routes: list[Route] = []
    for start in range(0, len(names), MAX_AT_ONCE):
        queries = [
            ModelQuery(name, Shape.CHAT, headers=headers)
            for name in names[start : start + MAX_AT_ONCE]
        ]
        routes += await asyncio.gather(*map(application.resolver.explain, queries))
    return await judge(application, routes, headers)


async def judge(application: Application, routes: Sequence[Route], headers: RawHeaders) -> Findings:
    """Return what is known about the models of routes that were resolved with all evidence."""
    upstreams = application.settings.upstreams
    queried = {route.upstream for route in routes}
    if any(not route.exists and is_sought(route) for route in routes):
        queried = {upstream.name for upstream in upstreams}
    unread = await _unread(
        application, headers, [each for each in upstreams if each.name in queried]
    )
    checked: list[Checked] = []
    for route in routes:
        if _matches_pattern(application, route, headers):
            checked.append(Checked(route.model_asked, route, Verdict.GOOD))
            continue
        verdict, is_unlisted = _verdict(route, unread), _is_unlisted(route, unread)
        checked.append(Checked(route.model_asked, route, verdict, is_unlisted))
    return Findings(tuple(checked), unread)


async def nearest(
    application: Application, findings: Findings, headers: RawHeaders
) -> dict[str, list[str]]:
    """Return names near to those of missing and of unlisted models, by the name asked for.

    Where the configuration names the model, that is what may be misspelt there, and only a name of
    the upstream corrects it. Otherwise it is the client's.
    """
    missing = [
        name for name in findings.names if name.verdict is Verdict.NOT_THERE or name.is_unlisted
    ]
    found: dict[str, list[str]] = {}
    for name in missing[:MAX_SUGGESTED]:
        found[name.name] = await _nearest(application, name.route, headers)
    return found


async def _nearest(application: Application, route: Route, headers: RawHeaders) -> list[str]:
    suggested = application.resolver.suggested
    if route.model_sent == route.model_asked or (route.rule and route.rule.rewrites):
        return await suggested.nearest(route, headers)
    upstreams = [route.upstream]
    if is_sought(route):
        upstreams = [upstream.name for upstream in application.settings.upstreams]
    return await suggested.near_sent(route.model_sent, upstreams, headers, _names(application))


def question(near: Sequence[str]) -> str:
    """Return `; did you mean 'x' or 'y'?`, or nothing without names."""
    names = " or ".join(f"'{name}'" for name in near)
    return f"; did you mean {names}?" if names else ""


def why_unread(upstream: UpstreamSettings, failed: LookupFailed, headers: RawHeaders) -> str:
    """Return why a model list could not be read, and what to do about it."""
    if failed.status in _KEY_REFUSED:
        return f"{failed.reason}; {key_advice(upstream, headers)}"
    doubt = upstream.kind.path_doubt(path_of(upstream.base_url))
    if failed.status == _NOT_FOUND and doubt is not None:
        return f"{failed.reason}; its base_url {doubt}"
    return failed.reason


def key_advice(upstream: UpstreamSettings, headers: RawHeaders) -> str:
    """Return what to do if an upstream refuses the key that these header fields, or it, have."""
    if holds_key(upstream):
        return "check its api_key or headers"
    if upstream.credential is CredentialPolicy.CALLER:
        return "check OPENAI_API_KEY" if headers else "set OPENAI_API_KEY"
    return "set its api_key"


def _names(application: Application) -> list[str]:
    aliases = [
        rule.pattern
        for rule in application.settings.models
        if rule.model is not None and (not rule.is_glob or _is_sample(application, rule))
    ]
    return [*aliases, *(old for old, _ in application.settings.retired.redirect)]


def _is_sample(application: Application, rule: ModelRule) -> bool:
    """Whether the pattern is itself a name that the rule sends under its one name."""
    return not rule.rewrites and application.resolver.rule_for(rule.pattern) is rule


async def _unread(
    application: Application, headers: RawHeaders, upstreams: Iterable[UpstreamSettings]
) -> dict[str, LookupFailed]:
    lookup = application.lookup

    async def known(upstream: UpstreamSettings) -> object:
        found = lookup.known_list(lookup.scope(upstream.name, headers))
        return found or (await lookup.models(upstream, headers)).value

    names = list(upstreams)
    lists = await asyncio.gather(*map(known, names))
    return {
        upstream.name: found
        for upstream, found in zip(names, lists, strict=True)
        if isinstance(found, LookupFailed)
    }


def _matches_pattern(application: Application, route: Route, headers: RawHeaders) -> bool:
    """Whether the upstream's list has no model of that name, but a pattern that stands for it."""
    lookup = application.lookup
    listed = lookup.known_list(lookup.scope(route.upstream, headers))
    return isinstance(listed, ModelList) and listed.has(route.model_sent)


def _verdict(route: Route, unread: Mapping[str, LookupFailed]) -> Verdict:
    """Judge by what the upstream lists: a name that merely looks known proves nothing.

    A rule that names the endpoint is trusted. Lists of models say nothing about deployments.
    """
    if route.exists:
        return Verdict.GOOD
    if route.upstream in unread:
        return Verdict.UNCHECKED
    if route.resolved_by is Source.CONFIG:
        return Verdict.GOOD
    if route.kind.deployments or (unread and is_sought(route)):
        return Verdict.UNCHECKED
    return Verdict.NOT_THERE


def _is_unlisted(route: Route, unread: Mapping[str, LookupFailed]) -> bool:
    is_known = route.exists or route.upstream in unread or route.kind.deployments
    return route.resolved_by is Source.CONFIG and not is_known


def is_sought(route: Route) -> bool:
    """Whether the model was sought at all upstreams: no rule and no name says where it is."""
    named = route.rule is not None and route.rule.upstream is not None
    return route.resolved_by is Source.DEFAULT and not named
