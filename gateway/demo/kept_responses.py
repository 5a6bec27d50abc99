"""Responses that are stored: for requests that continue them, and to be read and deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.demo.generation.answer import Json, encoded
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import previous_response_not_found
from gateway.demo.rules import responses as rules
from gateway.demo.rules import shared

MOST_RESPONSES = 1_000
MOST_ITEMS = 100_000
"""The items of all conversations together; each response has its own, up to its end."""
MOST_BYTES = 64 * 1024 * 1024
"""The size as JSON, without the conversations that responses continue."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A response that another one continues: its id, and all items up to its end."""

    id: str
    items: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored response: the object, all items up to its end, and the bytes that it adds.

    `asked` are the items of its own request.
    """

    response: Json
    items: Sequence[Json]
    asked: Sequence[Json]
    size: int


class KeptResponses:
    """Responses of one account, by id; beyond one of the bounds the oldest are dropped."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._items = 0
        self._bytes = 0

    def keep(self, response: Json, before: Sequence[Json], asked: Sequence[Json]) -> None:
        """Keep a response, with the items that it continues and those that it was asked."""
        items = [*before, *asked, *response["output"]]
        kept = Kept(response, items, asked, len(encoded([response, *asked])))
        self._kept[response["id"]] = kept
        self._items += len(items)
        self._bytes += kept.size
        while self._is_too_much():
            self._drop(next(iter(self._kept)))

    def _is_too_much(self) -> bool:
        many = len(self._kept) > MOST_RESPONSES
        return many or self._items > MOST_ITEMS or self._bytes > MOST_BYTES

    def one(self, known_as: str) -> Json:
        """Return a response; raises `Refused` (404)."""
        if known_as not in self._kept:
            raise Refused(404, f"Response with id '{known_as}' not found.")
        return self._kept[known_as].response

    def asked(self, known_as: str) -> Sequence[Json]:
        """Return the items that a response was asked; raises `Refused` (404)."""
        self.one(known_as)
        return self._kept[known_as].asked

    def earlier(self, body: Json) -> Earlier | None:
        """Return the response that a request continues, if it does; raises `Refused` (400)."""
        previous = body.get("previous_response_id")
        if not isinstance(previous, str):
            # Of another type than a string: the checks of the request say so.
            return None
        shared.check_members(rules.PARAMETERS, body)
        rules.refuse_two_states(body)
        if previous not in self._kept:
            raise previous_response_not_found(previous)
        return Earlier(previous, self._kept[previous].items)

    def delete(self, known_as: str) -> None:
        """Delete a response; raises `Refused` (404)."""
        self.one(known_as)
        self._drop(known_as)

    def _drop(self, known_as: str) -> None:
        kept = self._kept.pop(known_as)
        self._items -= len(kept.items)
        self._bytes -= kept.size
