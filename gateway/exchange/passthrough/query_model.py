"""Finds and replaces the model in the query of realtime requests, whose sockets have no body."""

from urllib.parse import quote, unquote_plus

_NAMES = ("model", "deployment")
"""OpenAI's name, and that of Azure's clients."""


def query_model(query: bytes) -> str | None:
    """Return the model that a query names."""
    given: dict[str, str] = {}
    for field in query.split(b"&"):
        name, _, value = field.partition(b"=")
        given.setdefault(_name(name), unquote_plus(value.decode("latin-1")))
    return next((given[name] for name in _NAMES if given.get(name)), None)


def names_deployment(query: bytes) -> bool:
    """Whether a query has Azure's name of a model, which other servers do not know."""
    return any(_name(field.partition(b"=")[0]) == _NAMES[1] for field in query.split(b"&"))


def with_query_model(query: bytes, model: str) -> bytes:
    """Return a query that names this model once, as `model`; all other fields stay as they are."""
    named = b"model=" + quote(model, safe="").encode("ascii")
    fields = [field for field in query.split(b"&") if field]
    others = [field for field in fields if _name(field.partition(b"=")[0]) not in _NAMES]
    return b"&".join((named, *others))


def _name(encoded: bytes) -> str:
    return unquote_plus(encoded.decode("latin-1"))
