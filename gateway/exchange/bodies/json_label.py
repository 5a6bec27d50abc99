"""The Content-Type of request bodies that the gateway has written."""

from gateway.headers import JSON
from gateway.shapes import ClientHeaders, RawHeaders

_DERIVED = object()
_AS_THEY_ARE = ClientHeaders()


def labelled_json(headers: RawHeaders) -> RawHeaders:
    """Return a client's header fields for a JSON body of the gateway's own.

    The gateway reads JSON under any Content-Type (curl's default is that of a form); servers do
    not.
    """
    if not isinstance(headers, ClientHeaders):
        return _relabelled(headers) or headers
    relabelled: ClientHeaders | None = headers.derived.get(_DERIVED)
    if relabelled is None:
        relabelled = headers.derived[_DERIVED] = _relabelled(headers)
    return relabelled or headers


def _relabelled(headers: RawHeaders) -> ClientHeaders:
    """Return the fields with the Content-Type of JSON; no fields where they have it already."""
    labels = [value for name, value in headers if name == JSON[0]]
    if [label.partition(b";")[0].strip().lower() for label in labels] == [JSON[1]]:
        return _AS_THEY_ARE
    return ClientHeaders([*(field for field in headers if field[0] != JSON[0]), JSON])
