"""Suggestions for a model that is not there: the nearest of all names that its client may use."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence

from gateway.config.settings import ModelRule, Settings
from gateway.resolve.evidence import Route
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.resolve.names.suggestions import Near, NearNames
from gateway.resolve.rules import Rules
from gateway.shapes import RawHeaders

MAX_NEAR = 3

MaySee = Callable[[str], bool]
"""Whether a name may be suggested."""


def _any(_name: str) -> bool:
    return True


class SuggestedModels:
    """Looks for near names in the configuration, and in the lists that a credential can see."""

    def __init__(self, settings: Settings, lookup: Lookup, rules: Rules) -> None:
        self._settings = settings
        self._lookup = lookup
        self._rules = rules
        self._near_names = NearNames(rules.names)

    async def nearest(self, route: Route, headers: RawHeaders, may_see: MaySee = _any) -> list[str]:
        """Return up to three names that resemble the one that a route was asked for."""
        return await self.near(route.model_asked, headers, may_see)

    async def near(
        self,
        model: str,
        headers: RawHeaders,
        may_see: MaySee = _any,
        unreadable: Collection[str] = (),
    ) -> list[str]:
        """Return up to three names that a client may ask for in place of `model`, nearest first.

        They come from the configuration, and from the lists of all upstreams to which the name
        could lead. A list is looked up only if it never was (a name in the catalogue needs no
        look-up), and not if its upstream is one of the `unreadable` ones.
        """
        rule = self._rules.rule_for(model)
        sent = rule.model_for(model) if rule is not None and rule.rewrites else None
        rewriting = rule if sent is not None else None
        upstreams = [each.name for each in self._settings.upstreams]
        if rewriting is not None and rewriting.upstream is not None:
            upstreams = [rewriting.upstream]
        lists = await self._lists(upstreams, headers, unreadable)
        found = await self._near_names.find(sent or model, lists)
        names = filter(may_see, self._as_asked(found, upstreams, rewriting))
        return list(dict.fromkeys(names))[:MAX_NEAR]

    async def near_sent(
        self, model: str, upstreams: Sequence[str], headers: RawHeaders, besides: Collection[str]
    ) -> list[str]:
        """Return up to three names of these upstreams that resemble `model`, which a rule sends.

        `besides` are names to leave out, because the upstreams do not have them.
        """
        lists = await self._lists(upstreams, headers)
        found = await self._near_names.find(model, lists)
        names = dict.fromkeys(each.name for each in found if each.name not in besides)
        return list(names)[:MAX_NEAR]

    async def _lists(
        self, upstreams: Sequence[str], headers: RawHeaders, unreadable: Collection[str] = ()
    ) -> list[ModelList | None]:
        lookups = [self._list(each, headers, ask=each not in unreadable) for each in upstreams]
        return await asyncio.gather(*lookups)

    async def _list(self, upstream: str, headers: RawHeaders, *, ask: bool) -> ModelList | None:
        known = self._lookup.known_list(self._lookup.scope(upstream, headers))
        if known is None and ask:
            known = (await self._lookup.models(self._settings.upstream(upstream), headers)).value
        return known if isinstance(known, ModelList) else None

    def _as_asked(
        self, found: Sequence[Near], upstreams: Sequence[str], rewriting: ModelRule | None
    ) -> Iterator[str]:
        """Yield the names by which a client reaches what was found."""
        for near in found:
            if near.place is None:
                yield near.name
            elif rewriting is not None:
                yield rewriting.name_for(near.name) or near.name
            elif self._leads_to(near.name, upstreams[near.place]):
                yield near.name

    def _leads_to(self, name: str, upstream: str) -> bool:
        """Whether a name may lead to an upstream: no rule sends it to another one."""
        rule = self._rules.rule_for(self._rules.redirected(name) or name)
        return rule is None or rule.upstream in (None, upstream)
