"""Evidence from names alone: the forms of ids and the catalogue. Pure, so it comes first."""

from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.features import fitting
from gateway.resolve.names import model_ids
from gateway.resolve.names.catalogue import Catalogue, CatalogueEntry
from gateway.resolve.resolution import MAX_LINEAGE, Resolution
from gateway.servers import Profile
from gateway.shapes import Shape


def root_of(model: str) -> str:
    """Return the model that an id derives from, as far as ids say; else the model itself."""
    for _ in range(MAX_LINEAGE):
        base = model_ids.base_of(model)
        if base is None or base == model:
            break
        model = base
    return model


class NameEvidence:
    """Collects the evidence that names give."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def entry(self, model: str, kind: Profile) -> CatalogueEntry | None:
        """Return the catalogue's entry of a model on such a server; None where names are free."""
        return self._catalogue.lookup(model, kind)

    def entry_of_model_or_root(self, model: str, kind: Profile) -> CatalogueEntry | None:
        """Return the entry of a model, or else of the root that its id names."""
        return self.entry(model, kind) or self.entry(root_of(model), kind)

    def endpoints(self, resolution: Resolution, model: str) -> tuple[Shape, ...]:
        """Return where the catalogue says that this request is served."""
        return _endpoints(self.entry(model, resolution.kind), resolution)

    def remember_entry(self, resolution: Resolution, model: str) -> None:
        """Keep the catalogue's entry, for quirks and dates: the model's own, or else `model`'s.

        `model` is a base that metadata names; without metadata, it is the model itself.
        """
        for name in (resolution.model, model):
            resolution.entry = resolution.entry or self.entry_of_model_or_root(
                name, resolution.kind
            )

    def collect(self, resolution: Resolution) -> None:
        """Add the evidence of the names to a resolution."""
        root = root_of(resolution.model)
        if root != resolution.model:
            resolution.evidence.append(
                Evidence(
                    Source.ID,
                    f"its id says that it derives from {root}",
                    self.endpoints(resolution, root),
                    base=root,
                )
            )
            resolution.base = resolution.base or root
        entry = self.entry(resolution.model, resolution.kind)
        if entry is not None and (entry.endpoints or entry.other_endpoints):
            served = ", ".join([*entry.endpoints, *entry.other_endpoints])
            endpoints = _endpoints(entry, resolution)
            moved = "" if endpoints == entry.endpoints else "; this request at responses only"
            resolution.evidence.append(
                Evidence(
                    Source.CATALOGUE,
                    f"known as {entry.pattern!r}, served at {served}{moved}",
                    endpoints,
                )
            )


def _endpoints(entry: CatalogueEntry | None, resolution: Resolution) -> tuple[Shape, ...]:
    if entry is None:
        return ()
    return fitting(entry.endpoints, entry.quirks, resolution.query.features)
