"""Finds which of several upstreams has a model, by their model lists, where no rule says so."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from gateway.config.settings import Settings, UpstreamSettings
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.metadata.cache import Found, LookupFailed, Wait
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.resolve.names.model_notes import ModelNotes
from gateway.servers import Profile
from gateway.shapes import RawHeaders

Lives = Callable[[str, Profile], bool]
"""Whether a model's name alone shows that a server of a kind has it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The upstream that a request goes to, and what led there.

    `looked_up`: whether the model lists of the upstreams were consulted. `evidence` names the lists
    of other upstreams that could not be read; it is empty if a list names the model.
    """

    upstream: UpstreamSettings
    looked_up: bool = False
    is_known: bool = True
    """Whether anything shows that the upstream has the model: its list, a pattern in the list, an
    earlier reply or, where the list could not be read, the model's name."""
    evidence: Sequence[Evidence] = ()


class Discovery:
    """Finds models on the lists of all upstreams."""

    def __init__(self, settings: Settings, lookup: Lookup, notes: ModelNotes, lives: Lives) -> None:
        self._upstreams = settings.upstreams
        self._lookup = lookup
        self._notes = notes
        self._lives = lives

    async def find(
        self, model: str, headers: RawHeaders, since: float, *, explain: bool = False
    ) -> Place:
        """Return the place of a model, by the first of these criteria that an upstream meets.

        1. Its list has the model.
        2. It has answered for the model before.
        3. Its list has a pattern that matches the model.
        4. Its list cannot be read, and its kind has a model of that name.
        5. It is the first upstream in the configuration.

        All upstreams are asked concurrently, so one that hangs delays no other. If an upstream has
        answered for the model before, no list is waited for, except to `explain`.
        """
        answered = next(self._answered(model, headers), None)
        wait = Wait(since, explain or answered is None)
        lookups = [
            asyncio.create_task(self._lookup.models(each, headers, wanted=model, wait=wait))
            for each in self._upstreams
        ]
        unread: list[tuple[str, Evidence]] = []
        covering: UpstreamSettings | None = None
        try:
            for upstream, listed in zip(self._upstreams, lookups, strict=True):
                found = await listed
                if isinstance(found.value, ModelList) and found.value.card(model):
                    return Place(upstream, looked_up=True)
                if isinstance(found.value, ModelList) and found.value.has(model):
                    covering = covering or upstream
                unread.extend(_unread(upstream, found))
        finally:
            for listed in lookups:
                listed.cancel()  # only the waiting: the look-up itself continues
        known = answered or covering or self._named(model, {name for name, _ in unread})
        home = known or self._upstreams[0]
        mine = home.name
        others = [piece for name, piece in unread if name != mine]
        return Place(home, looked_up=True, is_known=known is not None, evidence=others)

    def _named(self, model: str, unread: Collection[str]) -> UpstreamSettings | None:
        """Return the first upstream with an unread list whose kind has a model of that name."""
        for upstream in self._upstreams:
            if upstream.name in unread and self._lives(model, self._lookup.kind(upstream)):
                return upstream
        return None

    def _answered(self, model: str, headers: RawHeaders) -> Iterator[UpstreamSettings]:
        for upstream in self._upstreams:
            scope = self._lookup.scope(upstream.name, headers)
            if self._notes.has_answered(scope, model):
                yield upstream


def _unread(upstream: UpstreamSettings, found: Found[ModelList]) -> Iterator[tuple[str, Evidence]]:
    if isinstance(found.value, LookupFailed):
        detail = (
            f"the model list of upstream '{upstream.name}' could not be read ({found.value.reason})"
        )
        yield upstream.name, Evidence(Source.CAPABILITY, detail, age=found.age)
