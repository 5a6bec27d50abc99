"""Evidence of where a model lives, and the route that it decides."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.config.settings import ModelRule
from gateway.resolve.memory import CacheScope
from gateway.servers import Profile
from gateway.servers.reading import Abilities
from gateway.shapes import Shape


class Source(StrEnum):
    """Where a piece of evidence comes from, strongest first."""

    __hash__ = str.__hash__  # written in C, unlike the hash of enums

    CONFIG = "config"
    LEARNED = "learned"
    CAPABILITY = "capability"
    JOB = "job"
    PARENT = "parent"
    ID = "id"
    CATALOGUE = "catalogue"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe that a model lives at an endpoint.

    Evidence with empty `shapes` says something about the model (that it exists, or its base), but
    not where it lives. `age` is in seconds, for evidence that was fetched or learned.
    """

    source: Source
    detail: str
    """One sentence for the operator: `ft:davinci-002:… is a fine-tune of davinci-002`."""
    shapes: tuple[Shape, ...] = ()
    base: str | None = None
    """The model that this one derives from, if the evidence names one."""
    exists: bool = False
    """Whether the evidence shows that the model exists on its upstream, for this credential."""
    age: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The decision: which upstream, under which name, at which endpoint, and why.

    `shapes` are all endpoints the model is believed to live at, best first for this request;
    `shape` is the chosen one. `model_asked` is the client's name, `model_sent` the upstream's.
    """

    upstream: str
    model_asked: str
    model_sent: str
    kind: Profile
    shape: Shape
    shapes: tuple[Shape, ...]
    resolved_by: Source
    evidence: tuple[Evidence, ...] = ()
    base: str | None = None
    """The last base model found by following ids, jobs and parents."""
    quirks: frozenset[str] = field(default_factory=frozenset)
    """The catalogue's quirk codes for the model or its base."""
    retired: str | None = None
    """ISO date of the shutdown, past or announced."""
    replacement: str | None = None
    """What to use instead, as text: models that live today and, before a shutdown, on its day."""
    context_length: int | None = None
    rule: ModelRule | None = None
    redirected_to: str | None = None
    """The name that the configuration (`retired.redirect`) substitutes for `model_asked`."""
    other_endpoints: tuple[str, ...] = ()
    """The endpoints of a model that generates no text: paths below `/v1`."""
    unreadable: bool = False
    """Whether the metadata that could name the model was unreadable or empty."""
    unconfirmed: bool = False
    """Whether model lists were consulted, but the upstream has no card of the model, or nothing
    says at which endpoint it lives."""
    scope: CacheScope | None = field(default=None, repr=False)
    """The cache scope of the evidence."""
    abilities: Abilities | None = None
    """What the model takes and gives, as its card says."""
    lacking: frozenset[Shape] = frozenset()
    """The endpoints that the upstream, or the model's server behind a front, lacks: they are not
    tried."""

    @property
    def exists(self) -> bool:
        """Whether some evidence shows that the model is there."""
        return any(piece.exists for piece in self.evidence)
