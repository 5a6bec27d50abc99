"""What is to be resolved, and what is known of it while it is."""

from dataclasses import dataclass

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.memory import CacheScope, Features
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.resolve.names.catalogue import CatalogueEntry
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape

ORDER = {source: position for position, source in enumerate(Source)}
"""The sources' places, the strongest first."""

MAX_LINEAGE = 8
"""Bases that are followed, one to the next, before a lineage is taken for a circle."""


@dataclass(slots=True)
class ModelQuery:
    """What is to be resolved: a model, for a client that speaks a shape, with one credential.

    Not changed once it is made, like all that is made once per request; `frozen` would say so, at
    four times the price of making one.
    """

    model: str
    shape: Shape
    features: Features = frozenset()
    headers: RawHeaders = ()


@dataclass(slots=True)
class Resolution:
    """The state of one resolution: the query, where it goes, what was found."""

    query: ModelQuery
    upstream: UpstreamSettings
    kind: Profile
    model: str
    scope: CacheScope
    rule: ModelRule | None
    evidence: list[Evidence]
    since: float
    """When it began (loop time): from here on counts how long its look-ups are waited for."""
    entry: CatalogueEntry | None = None
    base: str | None = None
    card: ModelCard | None = None
    wait: bool = True
    """Whether its look-ups are waited for; else what is known counts, and is renewed behind."""
    unreadable: bool = False
    """Whether the upstream's model list, which could tell of the model, is unreadable or empty."""
    asked: bool = False
    """Whether an upstream's list was looked at for the name."""

    @property
    def decided(self) -> bool:
        """Whether some evidence says at which endpoint."""
        return any(piece.shapes for piece in self.evidence)
