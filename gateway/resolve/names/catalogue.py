"""What is publicly known about model families: endpoints, retirement, peculiarities.

The data is `catalogue.yaml`, beside this module; its head explains its format and its sources. It
describes OpenAI's and Anthropic's own models, so it is only consulted for upstreams where their
names mean these models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from gateway.config.globs import Globs
from gateway.resolve.names.model_ids import is_plausible, strip_prefix
from gateway.servers.profile import OpenAIModels, Profile
from gateway.shapes import Shape

OTHER_ENDPOINTS = frozenset(
    {
        "embeddings",
        "images/generations",
        "audio/speech",
        "audio/transcriptions",
        "moderations",
        "edits",
        "realtime",
        "live/sessions",
        "videos",
        "decisions",
    }
)
"""OpenAI's endpoints beside the generation ones, by their path below `/v1`."""

_SHAPES = {shape.value: shape for shape in Shape}
_ENTRY_KEYS = {"match", "at", "retired", "replacement", "quirks", "open_weights"}
_FILE = Path(__file__).with_name("catalogue.yaml")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What is known about the models that a pattern matches."""

    pattern: str
    """The glob that matched, case-sensitive, `*` only."""
    endpoints: tuple[Shape, ...] = ()
    """The generation endpoints it lives at, best first; empty: none, or not known."""
    other_endpoints: tuple[str, ...] = ()
    """Other endpoints it lives at: members of `OTHER_ENDPOINTS`."""
    retired: date | None = None
    """Its shutdown date, past or announced: compare with today."""
    replacement: str | None = None
    """OpenAI's recommendation instead: advice for people, not always one model id."""
    quirks: frozenset[str] = frozenset()
    """Codes of what it refuses or needs; `Catalogue.quirks` explains them."""
    open_weights: bool = False
    """Whether anyone can serve it, so that its name does not say who does."""


class Catalogue:
    """A list of patterns; the first match describes a model."""

    _loaded: ClassVar["Catalogue | None"] = None

    def __init__(self, entries: Sequence[CatalogueEntry], quirks: Mapping[str, str]) -> None:
        self.entries = tuple(entries)
        self.quirks = dict(quirks)
        self._patterns = Globs((at, entry.pattern) for at, entry in enumerate(self.entries))
        self._first_match = lru_cache(maxsize=2048)(self._search)

    @classmethod
    def load(cls) -> "Catalogue":
        """Return the catalogue of the package, read once."""
        if cls._loaded is None:
            cls._loaded = cls.from_yaml(_FILE.read_text(encoding="utf-8"))
        return cls._loaded

    @classmethod
    def adopt(cls, loaded: "Catalogue") -> None:
        """Take the catalogue of the package from the process that has loaded it."""
        cls._loaded = loaded

    def __reduce__(self) -> tuple[type["Catalogue"], tuple[Any, ...]]:
        """Return the constructor and arguments for a copy in another process."""
        return Catalogue, (self.entries, self.quirks)

    @classmethod
    def from_yaml(cls, text: str) -> "Catalogue":
        """Read a catalogue.

        Raises `ValueError` for an unknown key, endpoint or quirk, or a bad date.
        """
        import yaml  # lazily: `gateway serve` has the catalogue read in another process

        loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document = yaml.load(text, Loader=loader)  # noqa: S506 - one of the two safe loaders
        quirks: dict[str, str] = document["quirks"]
        entries = [entry for item in document["models"] for entry in _entries(item, quirks)]
        return cls(entries, quirks)

    def lookup(self, model_id: str, kind: Profile) -> CatalogueEntry | None:
        """Return what is known about a model as an upstream of that kind serves it.

        None for kinds that the catalogue does not describe, and for unknown models. Fine-tunes have
        entries of their own if their shutdown is announced; `ft:*` only says that the base must be
        looked up.
        """
        there = kind.openai_models
        if not is_plausible(model_id) or not (there or kind.has_claude_names):
            return None
        if there is not None and not model_id.startswith(there.below):
            return None
        entry = self._first_match(model_id) or self._first_match(strip_prefix(model_id))
        if entry is None or (entry.endpoints == (Shape.MESSAGES,)) is not kind.has_claude_names:
            return None
        return entry if there is None else _as_served(entry, there)

    def family(self, model_id: str) -> str | None:
        """Return the pattern of a model's entry, wherever it is served; None: it has none."""
        entry = self._first_match(model_id) or self._first_match(strip_prefix(model_id))
        return None if entry is None else entry.pattern

    def _search(self, model_id: str) -> CatalogueEntry | None:
        position = self._patterns.first(model_id)
        return None if position is None else self.entries[position]


def _as_served(entry: CatalogueEntry, there: OpenAIModels) -> CatalogueEntry:
    """Restrict an entry to what holds on that server."""
    served = entry if there.keeps_calendar else replace(entry, retired=None, replacement=None)
    if not there.endpoints:
        return served
    return replace(
        served, endpoints=tuple(shape for shape in entry.endpoints if shape in there.endpoints)
    )


def _entries(item: dict[str, Any], quirks: Mapping[str, str]) -> list[CatalogueEntry]:
    patterns = [item["match"]] if isinstance(item["match"], str) else item["match"]
    endpoints: list[str] = item["at"]
    own_quirks = frozenset(item.get("quirks", ()))
    _require(item.keys() <= _ENTRY_KEYS, patterns, f"keys {sorted(item.keys() - _ENTRY_KEYS)}")
    _require(own_quirks <= quirks.keys(), patterns, f"quirks {sorted(own_quirks - quirks.keys())}")
    unknown = set(endpoints) - _SHAPES.keys() - OTHER_ENDPOINTS
    _require(not unknown, patterns, f"endpoints {sorted(unknown)}")
    retired = item.get("retired")
    _require(retired is None or type(retired) is date, patterns, f"date {retired!r}")
    return [
        CatalogueEntry(
            pattern=pattern,
            endpoints=tuple(_SHAPES[name] for name in endpoints if name in _SHAPES),
            other_endpoints=tuple(name for name in endpoints if name not in _SHAPES),
            retired=retired,
            replacement=item.get("replacement"),
            quirks=own_quirks,
            open_weights=item.get("open_weights") is True,
        )
        for pattern in patterns
    ]


def _require(holds: bool, patterns: list[str], what: str) -> None:
    if not holds:
        raise ValueError(f"catalogue entry {patterns}: unknown {what}")
