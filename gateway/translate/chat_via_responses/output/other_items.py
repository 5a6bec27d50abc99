"""The output items that chat has no place for: a client gets them as they are, each once.

Calls of hosted tools and their records, requests for approval, what nobody knows. Of these a
response repeats at its end what the stream has had, by some servers (vLLM) under other ids.
"""

from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import msgspec

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.output.tracking import item_kind

FIELD = "output_items"
"""Where a chat message has them; no other gateway is known to have this name."""

_OWN = frozenset({"id", "status"})
"""What may differ in two items that say the same."""

_Name = tuple[str, str]


class OtherItems:
    """Tells of those items of one response."""

    def __init__(self) -> None:
        self._announced: dict[_Name, Json] = {}
        self._named: set[_Name] = set()
        self._said = Counter[int]()
        self._kinds: dict[str, None] = {}

    def announce(self, item: Json) -> None:
        """Take an item that has begun, which counts where nothing tells of its end."""
        if item_name(item) not in self._named:
            self._announced.setdefault(_begun(item), item)

    def complete(self, item: Json) -> list[Step]:
        """Take a whole item; nothing is shown of one that is known."""
        self._announced.pop(_begun(item), None)
        name = item_name(item)
        if name is not None and name in self._named:
            return []
        if name is not None:
            self._named.add(name)
        self._said[said_mark(item)] += 1
        self._kinds.setdefault(str(item.get("type")))
        return [Step({FIELD: [item]})]

    def finish(self, output: Sequence[Json]) -> list[Step]:
        """Take those of the items that the response ends with, and show what is new."""
        others = [item for item in output if item_kind(item) is None]
        for item in others:
            if item_name(item) in self._named:
                self._said[said_mark(item)] -= 1
        repeated, self._said = self._said, Counter[int]()
        steps: list[Step] = []
        for item in others:
            if item_name(item) not in self._named and repeated[said_mark(item)] > 0:
                repeated[said_mark(item)] -= 1
            else:
                steps += self.complete(item)
        left = list(self._announced.values())
        return steps + [step for item in left for step in self.complete(item)]

    def check_alone(self) -> None:
        """Raise `UpstreamError` where they are all that a response has: it looks like no answer."""
        if self._kinds:
            raise UpstreamError(
                "The upstream's response has nothing but items that a chat message cannot hold: "
                f"{', '.join(self._kinds)[:200]}. Call the model at /v1/responses."
            )


def item_name(item: Json) -> _Name | None:
    """Return the type and id of an item; None where it has no id."""
    item_id = item.get("id")
    return (str(item.get("type")), item_id) if isinstance(item_id, str) and item_id else None


def _begun(item: Json) -> _Name:
    return item_name(item) or (str(item.get("type")), "")


def said_mark(item: Json) -> int:
    """Return what all items that say the same have in common, and no other."""
    said = {name: value for name, value in item.items() if name not in _OWN}
    return crc32(msgspec.json.encode(said, order="sorted"))
