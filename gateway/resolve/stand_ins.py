"""Where a rule's model stands in for other names at endpoints that generate no text.

A glob matches all sorts of names: `"*": gpt-5.4-mini` is meant for programs that name old text
models, but would also send this chat model to `/v1/embeddings`, in place of
`text-embedding-ada-002`.
"""

from collections.abc import Callable

from gateway.config.settings import ModelRule
from gateway.resolve.names.catalogue import OTHER_ENDPOINTS
from gateway.resolve.names.name_evidence import NameEvidence
from gateway.servers import Profile

_FAMILIES = frozenset(endpoint.partition("/")[0] for endpoint in OTHER_ENDPOINTS - {"edits"})


class StandIns:
    """Decides by the catalogue where the model of a glob can stand in for others.

    `kind_of` returns the kind of a rule's upstream.
    """

    def __init__(self, names: NameEvidence, kind_of: Callable[[ModelRule], Profile]) -> None:
        self._names = names
        self._kind_of = kind_of

    def model_to_send(self, rule: ModelRule | None, name: str, path: str) -> str:
        """Return the model that a request at `path` (below `/v1`) is sent with."""
        if rule is None or rule.model is None or not self._serves(rule, path):
            return name
        return rule.model_for(name) or name

    def replaces(self, rule: ModelRule | None, name: str) -> bool:
        """Whether a rule has another model served under a name."""
        if rule is None or rule.model_for(name) in (None, name):
            return False
        if rule.rewrites:
            return True
        entry = self._names.entry(name, self._kind_of(rule))
        if entry is None or entry.endpoints or not entry.other_endpoints:
            return True
        return any(self._serves(rule, f"/{home}") for home in entry.other_endpoints)

    def _serves(self, rule: ModelRule, path: str) -> bool:
        """Whether a rule's model lives at a path, as far as is known."""
        family = path[1:].partition("/")[0]
        if not rule.is_glob or rule.model is None or rule.rewrites or family not in _FAMILIES:
            return True
        entry = self._names.entry_of_model_or_root(rule.model, self._kind_of(rule))
        if entry is None or not entry.endpoints:
            return True
        return any(home.partition("/")[0] == family for home in entry.other_endpoints)
