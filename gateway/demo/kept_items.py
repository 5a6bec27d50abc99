"""The output items of earlier responses, to which an `item_reference` refers."""

from collections.abc import Iterable

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused

MOST_ITEMS = 10_000


class KeptItems:
    """Items of one account, by id; beyond `MOST_ITEMS` the oldest are dropped."""

    def __init__(self) -> None:
        self._items: dict[str, Json] = {}

    def keep(self, items: Iterable[Json]) -> None:
        """Keep items; each has an id."""
        for item in items:
            self._items[item["id"]] = item
        while len(self._items) > MOST_ITEMS:
            del self._items[next(iter(self._items))]

    def resolved(self, body: Json) -> Json:
        """Return a request with the items themselves in place of references to them.

        Raises `Refused` for an item that is not kept. An input that is not a list is unchanged.
        """
        given = body.get("input")
        return {**body, "input": [*map(self._item, given)]} if isinstance(given, list) else body

    def _item(self, item: object) -> object:
        if not isinstance(item, dict) or not _refers(item):
            return item
        if item["id"] in self._items:
            return self._items[item["id"]]
        raise Refused(
            404,
            f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set"
            " to false. Try again with `store` set to true, or remove this item from your input.",
            param="input",
        )


def _refers(item: Json) -> bool:
    """Whether an item is a well-formed reference; its type may be missing."""
    named = item.get("type") in ("item_reference", None)
    return named and item.keys() <= {"type", "id"} and isinstance(item.get("id"), str)
