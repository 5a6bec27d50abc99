"""Counts the connections of each worker, so that clients which come together reach all workers.

The workers share a listening socket, and the one that wakes first could take all waiting clients. A
worker with more than its share leaves them to the others for a moment (`accept.py`), as nginx does
(its `accept_mutex`, and the rule of seven eighths). Separate sockets (SO_REUSEPORT) would lose the
clients that wait at the socket of a worker that ends.
"""

import mmap

_ABSENT = -1


class Shares:
    """The connections of `count` workers, in memory that they share: made before the first fork.

    Each worker writes only its own count, so nothing is locked.
    """

    def __init__(self, count: int) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 4 * count)).cast("i")
        for number in range(count):
            self.leave(number)

    def of(self, number: int) -> "Share":
        """Return the share of one worker."""
        return Share(self._numbers, number)

    def leave(self, number: int) -> None:
        """Note that a worker has ended."""
        self._numbers[number] = _ABSENT


class Share:
    """The share of one worker, number `number`."""

    def __init__(self, numbers: memoryview, number: int) -> None:
        self._numbers = numbers
        self._number = number
        self._accepts = False

    def join(self) -> None:
        """Note that this worker accepts from now on."""
        self._accepts = True
        self.hold(0)

    def leave(self) -> None:
        """Note that this worker accepts no more."""
        self.hold(_ABSENT)
        self._accepts = False

    def hold(self, connections: int) -> None:
        """Note how many connections this worker has."""
        if self._accepts:
            self._numbers[self._number] = connections

    def is_exceeded(self) -> bool:
        """Return whether this worker has too many connections.

        Too many is more than the average of the workers that accept, plus an eighth, plus one.
        """
        present = [each for each in self._numbers if each != _ABSENT]
        return 8 * len(present) * (self._numbers[self._number] - 1) > 9 * sum(present)
