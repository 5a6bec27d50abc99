"""The metrics of all workers in one: sums that never go backwards.

At each scrape, every worker keeps its counters and histograms in a file
(`server/processes/peers.py`), and the one that was asked adds up the files. What a worker has
counted stays in the sum when it ends, since the process that replaces it begins with its
predecessor's counts; what one that is killed has counted since the last scrape is lost. Gauges come
from the workers that live.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from operator import add
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gateway.server.processes.peers import Peers

_COUNTED = frozenset({"counter", "histogram"})
_PROCESS = "process_"
"""How the names of metrics of one process begin: they are not added up, but get a label."""

Combine = Callable[[float, float], float]

_GAUGES: Mapping[str, Combine] = MappingProxyType(
    {
        "gateway_build_info": max,
        "gateway_config_last_reload_success_timestamp_seconds": min,
        "gateway_shared_memory_up": min,
        "gateway_upstream_address_up": min,
    }
)
"""How one value is made of two workers', for gauges that do not count things."""


class Sample(NamedTuple):
    """One value of a metric."""

    name: str
    labels: dict[str, str]
    value: float


class Family(msgspec.Struct, array_like=True):
    """A metric with all its values: Prometheus' own form, without its library."""

    name: str
    documentation: str
    type: str
    samples: list[Sample]

    @property
    def counted(self) -> bool:
        """Whether its values only grow, and outlive the worker that counted them."""
        return self.type in _COUNTED and not self.name.startswith(_PROCESS)


_families = msgspec.json.Decoder(list[Family])


class Sums:
    """The metrics of all workers; `own` returns those of this one."""

    def __init__(self, own: Callable[[], list[Family]], peers: Peers) -> None:
        self._own = own
        self._peers = peers
        peers.answer("metrics", self._keep)

    def close(self) -> None:
        """Keep what this worker has counted beyond its end."""
        if not self._peers.alone:
            self._keep()

    async def families(self) -> list[Family]:
        """Return the metrics of all workers."""
        if self._peers.alone:
            return self._own()
        living = [
            _of_worker(reply.worker, family)
            for reply in await self._peers.ask("metrics")
            for family in msgspec.convert(reply.value, list[Family])
        ]
        kept = [family for data in self._peers.kept() for family in _decoded(data)]
        return added(kept, living)

    def _keep(self) -> list[Family]:
        """Keep what this worker has counted for all to add up; return the rest."""
        own = self._own()
        counted = [family for family in own if family.counted]
        self._peers.keep(msgspec.json.encode(added(_decoded(self._peers.inherited), counted)))
        return [family for family in own if not family.counted]


def added(*lists: Iterable[Family]) -> list[Family]:
    """Return all families once, with equal samples in one, in the order of their first."""
    found: dict[str, _Adding] = {}
    for family in chain.from_iterable(lists):
        adding = found.get(family.name)
        if adding is None:
            adding = found[family.name] = _Adding(family)
        adding.add(family.samples)
    return [adding.family() for adding in found.values()]


class _Adding:
    """One family while it is added up."""

    def __init__(self, first: Family) -> None:
        self._first = first
        self._combine: Combine = _GAUGES.get(first.name, add)
        self._samples: dict[tuple[str, ...], Sample] = {}

    def add(self, samples: Iterable[Sample]) -> None:
        for each in samples:
            # A family's samples have their labels in the same order in every worker.
            key = (each.name, *each.labels.values())
            known = self._samples.get(key)
            value = each.value if known is None else self._combine(known.value, each.value)
            self._samples[key] = Sample(each.name, each.labels, value)

    def family(self) -> Family:
        first = self._first
        samples = list(self._samples.values())
        return Family(first.name, first.documentation, first.type, samples)


def _of_worker(number: int, family: Family) -> Family:
    """Return a family with the number of its worker in each sample, if it describes a process."""
    if not family.name.startswith(_PROCESS):
        return family
    samples = [
        sample._replace(labels={**sample.labels, "worker": str(number)})
        for sample in family.samples
    ]
    return Family(family.name, family.documentation, family.type, samples)


def _decoded(data: bytes) -> list[Family]:
    return _families.decode(data) if data else []
