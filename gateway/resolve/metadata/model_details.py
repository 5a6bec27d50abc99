"""Loads an upstream's descriptions of its models beside the model list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.config.settings import UpstreamSettings
from gateway.envelopes.slices import Work
from gateway.resolve.metadata.cache import LookupFailed
from gateway.resolve.metadata.fetch import Answer, Asker
from gateway.resolve.metadata.model_lists import ModelCard, merged, read_description, read_models
from gateway.resolve.metadata.requests import further_calls
from gateway.servers.profile import MetadataCall, Profile
from gateway.shapes import RawHeaders

_NOTHING_TO_ASK = LookupFailed("nothing to ask")


@dataclass(frozen=True, slots=True)
class Further:
    """Descriptions of models, by name, and of the server itself."""

    cards: Mapping[str, ModelCard] = field(default_factory=dict)
    server: ModelCard | None = None

    def describes(self, model: str) -> bool:
        """Whether it says anything about this model."""
        return self.server is not None or model in self.cards

    def complete(self, card: ModelCard | None, model: str) -> ModelCard | None:
        """Return a model's card, completed by these descriptions.

        The description of a server does not show which models exist.
        """
        if self.server is not None:
            return card and merged(card, self.server)
        listed = self.cards.get(model)
        return card if listed is None else merged(card, listed)


async def load_further(
    asker: Asker, upstream: UpstreamSettings, kind: Profile, headers: RawHeaders
) -> Further | LookupFailed:
    """Return the first further list with a model in it, or the description of the server."""
    calls = further_calls(upstream, kind, "")
    failed = _NOTHING_TO_ASK
    for call in calls.lists:
        cards = await asker.ask(
            upstream, call, headers, lambda answer: read_models(answer.payload, kind)
        )
        if isinstance(cards, LookupFailed):
            failed = cards
        elif cards:
            return Further(cards)
        else:
            # LM Studio answers unknown paths with 200 and an error.
            failed = LookupFailed(f"{call}: names no model")
    if not calls.server:
        return failed
    server = await _describe(asker, upstream, kind, calls.server, headers, "")
    return Further(server=server) if isinstance(server, ModelCard) else server


async def load_description(
    asker: Asker, upstream: UpstreamSettings, kind: Profile, headers: RawHeaders, model: str
) -> ModelCard | LookupFailed:
    """Return an upstream's description of one model."""
    calls = further_calls(upstream, kind, model).model
    return await _describe(asker, upstream, kind, calls, headers, model)


async def _describe(
    asker: Asker,
    upstream: UpstreamSettings,
    kind: Profile,
    calls: Sequence[MetadataCall],
    headers: RawHeaders,
    model: str,
) -> ModelCard | LookupFailed:
    def read(answer: Answer) -> Work[ModelCard | None]:
        yield from ()
        return read_description(answer.payload, kind, model)

    failed = _NOTHING_TO_ASK
    for call in calls:
        described = await asker.ask(upstream, call, headers, read)
        if isinstance(described, ModelCard):
            return described
        failed = described or LookupFailed(f"{call}: describes nothing")
    return failed
