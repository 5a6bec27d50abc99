"""What was found to be valid already, which is not judged again.

The events of a stream come in hundreds of streams that are cut off one later than the other, and a
schema takes ten times as long as a translation. New ids make no difference to it.
"""

import marshal
import re
from hashlib import blake2b
from typing import Any

_NEW_ID = re.compile(rb"[0-9a-f]{32}")
_ANY_ID = b"0" * 32


class Judged:
    """Values that were valid for a schema, each with its types and the order of its keys."""

    def __init__(self) -> None:
        self._valid: set[bytes] = set()

    def key(self, schema: str, value: Any, *, closed: bool = False) -> bytes | None:
        """Return what stands for a value; None for one that is not made of JSON's types."""
        try:
            # In version 2, the same is always written in the same way.
            written = marshal.dumps((schema, closed, value), 2)
        except ValueError:
            return None
        return blake2b(_NEW_ID.sub(_ANY_ID, written), digest_size=16).digest()

    def __contains__(self, key: bytes | None) -> bool:
        return key in self._valid

    def add(self, key: bytes | None) -> None:
        """Remember that the value with a key is valid."""
        if key is not None:
            self._valid.add(key)
