"""Fields of requests that are lists: what is configured is sent together with the client's."""

from collections.abc import Iterable

from gateway.headers import LIST_HEADERS, joined_list
from gateway.shapes import RawHeaders


class ListFields:
    """The configured fields that are lists, of one upstream.

    A list that is configured as empty does not count: it takes the place of the client's.
    """

    def __init__(self, configured: RawHeaders) -> None:
        self._configured = tuple(
            field for field in configured if field[0] in LIST_HEADERS and field[1].strip(b", \t")
        )

    def __contains__(self, field: object) -> bool:
        return field in self._configured

    def joined_with(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return a request's fields with the configured lists, each joined with the client's."""
        for name, value in self._configured:
            given = _values(fields, name)
            fields = [field for field in fields if field[0] != name]
            fields.append((name, joined_list([value, *given])))
        return fields


def _values(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for known, value in fields if known == name]
