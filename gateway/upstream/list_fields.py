"""Joins configured values of header fields that are lists with the client's values."""

from collections.abc import Iterable

from gateway.headers import LIST_HEADERS, joined_list
from gateway.shapes import RawHeaders


class ListFields:
    """The configured fields of one upstream that are lists.

    A list that is configured as empty is not joined: it replaces the client's.
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
