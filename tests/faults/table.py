"""All faults, by group."""

from tests.faults.bodies import BODIES
from tests.faults.connections import CONNECTIONS
from tests.faults.content import CONTENT
from tests.faults.events import EVENTS
from tests.faults.expectations import DELIVERIES, FLOWS, Case
from tests.faults.fault import Fault
from tests.faults.heads import HEADS
from tests.faults.statuses import STATUSES
from tests.faults.streams import STREAMS

GROUPS: dict[str, tuple[Fault, ...]] = {
    "connections": CONNECTIONS,
    "heads": HEADS,
    "bodies": BODIES,
    "content": CONTENT,
    "statuses": STATUSES,
    "streams": STREAMS,
    "events": EVENTS,
}
FAULTS = tuple(fault for group in GROUPS.values() for fault in group)


def cases(*faults: Fault) -> list[Case]:
    """Return every exchange that faults are met in."""
    return [
        Case(fault, flow, delivery) for fault in faults for flow in FLOWS for delivery in DELIVERIES
    ]
