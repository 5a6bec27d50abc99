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

    __hash__ = str.__hash__  # in C, which that of enums is not

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

    `shapes` empty: it says something about the model (that it exists, its base), but not where it
    lives. `age` is in seconds, for evidence that was fetched or learned.
    """

    source: Source
    detail: str
    """One sentence for the operator: `ft:davinci-002:… is a fine-tune of davinci-002`."""
    shapes: tuple[Shape, ...] = ()
    base: str | None = None
    """The model that this one derives from, if the evidence names one."""
    exists: bool = False
    """Whether it shows that the model exists (on its upstream, for this credential)."""
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
    """The recommendation instead, as text; its models live when they are needed."""
    context_length: int | None = None
    rule: ModelRule | None = None
    redirected_to: str | None = None
    """The name that the configuration (`retired.redirect`) substitutes for `model_asked`."""
    other_endpoints: tuple[str, ...] = ()
    """The endpoints of a model that generates no text: paths below `/v1`."""
    unreadable: bool = False
    """Whether the metadata that could name the model was unreadable or empty."""
    unconfirmed: bool = False
    """Whether the upstream was asked, and confirms neither the model nor its endpoint."""
    scope: CacheScope | None = field(default=None, repr=False)
    """The cache scope of the evidence."""
    abilities: Abilities | None = None
    """What the model takes by its card."""
    lacking: frozenset[Shape] = frozenset()
    """The endpoints that the upstream lacks, whatever the model: they are not tried."""

    @property
    def exists(self) -> bool:
        """Whether some evidence shows that the model is there."""
        return any(piece.exists for piece in self.evidence)
