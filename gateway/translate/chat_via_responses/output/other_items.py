"""The output items without a place in chat: a client gets each of them once, unchanged.

They are calls of hosted tools and their records, requests for approval, and unknown types. A
response repeats them at its end; some servers (vLLM) give them other ids there.
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
"""The field of a chat message with these items; other gateways are not known to use the name."""

_OWN = frozenset({"id", "status"})
"""The fields that may differ between repetitions."""

_Name = tuple[str, str]


class OtherItems:
    """Shows the items of one response that have no place in chat."""

    def __init__(self) -> None:
        self._announced: dict[_Name, Json] = {}
        self._named: set[_Name] = set()
        self._digests = Counter[int]()
        self._kinds: dict[str, None] = {}

    def announce(self, item: Json) -> None:
        """Take an item that has begun; it is shown even if its end never comes."""
        if item_name(item) not in self._named:
            self._announced.setdefault(_begun(item), item)

    def complete(self, item: Json) -> list[Step]:
        """Take a whole item, and show it if it is new."""
        self._announced.pop(_begun(item), None)
        name = item_name(item)
        if name is not None and name in self._named:
            return []
        if name is not None:
            self._named.add(name)
        self._digests[item_digest(item)] += 1
        self._kinds.setdefault(str(item.get("type")))
        return [Step({FIELD: [item]})]

    def finish(self, output: Sequence[Json]) -> list[Step]:
        """Take the response's final output, and show its new items."""
        others = [item for item in output if item_kind(item) is None]
        for item in others:
            if item_name(item) in self._named:
                self._digests[item_digest(item)] -= 1
        repeated, self._digests = self._digests, Counter[int]()
        steps: list[Step] = []
        for item in others:
            if item_name(item) not in self._named and repeated[item_digest(item)] > 0:
                repeated[item_digest(item)] -= 1
            else:
                steps += self.complete(item)
        left = list(self._announced.values())
        return steps + [step for item in left for step in self.complete(item)]

    def check_alone(self) -> None:
        """Raise `UpstreamError` if there are such items; for responses without any other content.

        Without an error they would look like no answer.
        """
        if self._kinds:
            raise UpstreamError(
                "The upstream's response has only items that a chat message cannot hold: "
                f"{', '.join(self._kinds)[:200]}. Call the model at /v1/responses."
            )


def item_name(item: Json) -> _Name | None:
    """Return the type and id of an item; None where it has no id."""
    item_id = item.get("id")
    return (str(item.get("type")), item_id) if isinstance(item_id, str) and item_id else None


def _begun(item: Json) -> _Name:
    return item_name(item) or (str(item.get("type")), "")


def item_digest(item: Json) -> int:
    """Return a digest that repetitions of an item share."""
    fields = {name: value for name, value in item.items() if name not in _OWN}
    return crc32(msgspec.json.encode(fields, order="sorted"))
