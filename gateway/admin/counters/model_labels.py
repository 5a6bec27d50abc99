"""The names of models in metrics: a closed set, whatever names clients send."""

from functools import lru_cache

from gateway.config.globs import Globs
from gateway.config.settings import Settings
from gateway.resolve.names.catalogue import Catalogue

NONE = "none"
"""The request named no model."""
OTHER = "other"


class ModelLabels:
    """Finds the label of a model.

    That is the name or the glob of its rule, the name that is redirected, or the glob of its
    family in the catalogue; `other` for all else. Costs a look-up for names that were seen lately.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._redirected = frozenset(old for old, _ in settings.retired.redirect)
        self._patterns = [rule.pattern for rule in settings.models]
        self._globs = Globs(enumerate(self._patterns))
        self.label = lru_cache(maxsize=2048)(self._label)
        """Return the label of a model, as asked and as sent."""

    def _label(self, model_asked: str, model_sent: str) -> str:
        if not model_asked:
            return NONE
        if model_asked in self._redirected:
            return model_asked
        position = self._globs.first(model_asked)
        if position is not None:
            return self._patterns[position]
        return self._catalogue.family(model_sent or model_asked) or OTHER
