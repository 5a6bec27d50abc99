"""How long the fast path of streams looks for templates where it finds few."""


class Budget:
    """Bounds the search for templates in one call's stream, in comparisons of an event."""

    __slots__ = ("_missed", "_spent", "served")

    FIND = 4
    """The cost of finding the templates of an event."""
    TRIAL = 16
    """How much may be spent, and how many events in a row missed, at first."""
    WORTH = 2
    """How many events must be served for each comparison."""

    def __init__(self) -> None:
        self._spent = 0
        self.served = 0
        """How many events took the fast path."""
        self._missed = 0

    @property
    def exhausted(self) -> bool:
        """Whether the events of this stream differ too much: the search ends."""
        return self._spent >= self.TRIAL and self.served < self.WORTH * self._spent

    @property
    def pauses(self) -> bool:
        """Whether so many events in a row were missed that the rest of the bytes is folded."""
        return self._missed >= self.TRIAL

    def spend(self, cost: int) -> None:
        """Count comparisons."""
        self._spent += cost

    def miss(self) -> None:
        """Count an event that did not open the fast path."""
        self._missed += 1

    def begin(self) -> None:
        """Forget the events that were missed."""
        self._missed = 0
