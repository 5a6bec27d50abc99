"""What is known of a model beside its generation endpoint: quirks, retirement, other endpoints."""

from dataclasses import replace
from datetime import date

from gateway.resolve.evidence import Route
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.resolve.names.catalogue import CatalogueEntry
from gateway.resolve.names.hints import NameHint, hint_of
from gateway.resolve.names.name_evidence import NameEvidence, root_of
from gateway.resolve.names.successors import Fate, living_successor
from gateway.resolve.today import WallClock, today
from gateway.servers import Profile


class Facts:
    """Adds what the catalogue and the upstream's model list say of a model to its route."""

    def __init__(self, names: NameEvidence, lookup: Lookup, wall_clock: WallClock) -> None:
        self._names = names
        self._lookup = lookup
        self._wall_clock = wall_clock

    def lives(self, model: str, kind: Profile) -> bool:
        """Whether the name alone shows that a server of this kind has the model.

        It does not for open weights, which anyone can serve, nor for a model that was shut down.
        """
        base, own = self._names.entry(root_of(model), kind), self._names.entry(model, kind)
        if base is None or base.open_weights:
            return False
        retired = (own.retired if own is not None else None) or base.retired
        return retired is None or retired > today(self._wall_clock)

    def added(self, route: Route, entry: CatalogueEntry | None, card: ModelCard | None) -> Route:
        """Return the route with what the catalogue entry and the model card say of its model."""
        retired = card.shutdown_date if card is not None else None
        advice = None
        if entry is not None:
            retired, advice = retired or entry.retired, entry.replacement
        return replace(
            route,
            quirks=entry.quirks if entry is not None else route.quirks,
            retired=retired.isoformat() if retired is not None else None,
            replacement=self._living(route, advice, retired) if advice is not None else None,
            abilities=card.abilities if card is not None else None,
            context_length=card.context_length if card is not None else None,
            other_endpoints=other_endpoints_of(route.model_sent, entry, card),
        )

    def _living(self, route: Route, advice: str, retired: date | None) -> str | None:
        """Return what to use instead today or, before a shutdown, on its day; None: nothing."""
        day = today(self._wall_clock)
        if retired is not None and retired > day:
            day = retired
        return living_successor(
            route.model_sent, advice, lambda model: self._fate(route, model), day
        )

    def _fate(self, route: Route, model: str) -> Fate:
        entry = self._names.entry(model, route.kind)
        card = self._lookup.known_card(route.scope, model) if route.scope is not None else None
        listed = card.shutdown_date if card is not None else None
        if entry is None:
            return Fate(listed)
        return Fate(listed or entry.retired, entry.replacement)


def other_endpoints_of(
    model: str, entry: CatalogueEntry | None, card: ModelCard | None
) -> tuple[str, ...]:
    """Return the endpoints, below `/v1`, of a model that generates no text; else none.

    The upstream's statement is stronger than the catalogue's. If it only says that the model
    generates no text, an embedding model is still recognised by its name.
    """
    known = entry.other_endpoints if entry is not None and not entry.endpoints else ()
    if card is None or card.generative is None:
        return known
    if card.generative:
        return ()
    by_name = ("embeddings",) if hint_of(model) is NameHint.EMBEDDING else ()
    return card.other_endpoints or known or by_name
