"""A query for a model's route, and the state of its resolution."""

from dataclasses import dataclass

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.memory import CacheScope, Features
from gateway.resolve.metadata.cache import Wait
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.resolve.names.catalogue import CatalogueEntry
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape

ORDER = {source: position for position, source in enumerate(Source)}
"""The rank of each source, the strongest first."""

MAX_LINEAGE = 8
"""The most bases to follow, one to the next; a longer lineage is taken for a cycle."""


@dataclass(slots=True)
class ModelQuery:
    """A model to resolve, for a client of a shape, with one credential.

    Treated as immutable; `frozen` would make the constructor four times as slow.
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
    wait: Wait
    """How its look-ups wait: their time counts from the beginning of the resolution."""
    entry: CatalogueEntry | None = None
    base: str | None = None
    card: ModelCard | None = None
    unreadable: bool = False
    """Whether the upstream's model list, which could name the model, is unreadable or empty."""
    looked_up: bool = False
    """Whether an upstream's list was consulted for the name."""

    @property
    def decided(self) -> bool:
        """Whether some evidence says at which endpoint the model lives."""
        return any(piece.shapes for piece in self.evidence)

    @property
    def decisive(self) -> Evidence | None:
        """The strongest evidence of where the model lives; None: there is none."""
        saying = (piece for piece in self.evidence if piece.shapes)
        return min(saying, key=lambda piece: ORDER[piece.source], default=None)

    @property
    def is_at_home(self) -> bool:
        """Whether the client called one of the model's endpoints; then nothing is translated."""
        decisive = self.decisive
        return decisive is not None and self.query.shape in decisive.shapes
