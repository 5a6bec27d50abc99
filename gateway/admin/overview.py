"""What the admin page shows of all workers: recent requests, upstreams, learned endpoints."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from time import time
from typing import Any, Protocol

import msgspec

from gateway.admin.counters.metrics import AddressFigures, Figures
from gateway.config.settings import Settings, UpstreamSettings
from gateway.observe.outcomes import FAILURES
from gateway.observe.recent import RecentRequests, Wanted
from gateway.observe.sockets import SocketCounts
from gateway.resolve.memory import LearnedEndpoints
from gateway.server.processes.peers import Peers
from gateway.shapes import Json

SHOWN = 200
"""Requests that are shown at a time."""
SHOWN_LEARNED = 500
LATELY = 300.0
"""Seconds of requests by which an upstream is judged."""


class AddressState(AddressFigures, Protocol):
    """The current state of one address of an upstream, in more detail."""

    @property
    def in_flight(self) -> int:
        """The number of its running requests."""

    @property
    def reason(self) -> str | None:
        """Why it failed last."""


class Upstreams(Protocol):
    """The figures of the upstreams, by their names."""

    def stats(self) -> Mapping[str, Figures]:
        """Return the current figures of each upstream."""

    def health(self) -> Mapping[str, Sequence[AddressState]]:
        """Return the state of each upstream's addresses, in the order of the configuration."""


class Overview:
    """Asks all workers, and answers them for this one."""

    def __init__(
        self,
        settings: Settings,
        peers: Peers,
        recent: RecentRequests,
        upstreams: Upstreams,
        learned: LearnedEndpoints,
        sockets: SocketCounts,
    ) -> None:
        self._settings = settings.upstreams
        self._peers = peers
        self._recent = recent
        self._upstreams = upstreams
        self._learned = learned
        self._sockets = sockets
        peers.answer("look", self._look)
        peers.answer("learned", self._own_learned)
        peers.answer("forget", learned.drop)

    @property
    def replaced(self) -> bool:
        """Whether another overview has taken its place, after a change of the configuration."""
        return not self._peers.answers("look", self._look)

    async def look(self, seen: Mapping[int, int], wanted: Wanted) -> Json:
        """Return what has changed: requests after those `seen`, newest first; and the upstreams.

        `seen` has the number of the last request by worker.
        """
        numbers = {str(worker): number for worker, number in seen.items()}
        filters = msgspec.to_builtins(wanted)
        replies = await self._peers.ask("look", seen=numbers, wanted=filters)
        requests: list[dict[str, Any]] = [
            {"worker": reply.worker, "number": each["number"], **each["record"]}
            for reply in replies
            for each in reply.value["requests"]
        ]
        requests.sort(key=lambda request: request["time"], reverse=True)
        upstreams = [reply.value["upstreams"] for reply in replies]
        return {
            "requests": requests[:SHOWN],
            "workers": {"answering": len(replies), "of": self._peers.count},
            "upstreams": [_upstream(each, upstreams) for each in self._settings],
            "learned": sum(reply.value["learned"] for reply in replies),
            "sockets": _added(reply.value["sockets"] for reply in replies),
        }

    async def learned(self) -> list[dict[str, Any]]:
        """Return what was learned, newest first: once, with the number of workers that know it."""
        found: dict[str, dict[str, Any]] = {}
        for reply in await self._peers.ask("learned"):
            for entry in reply.value:
                key = f"{entry['upstream']} {entry['model']} {entry['holds_for']}"
                known = found.setdefault(key, {**entry, "workers": 0})
                known["workers"] += 1
                known["age"] = min(known["age"], entry["age"])
        return sorted(found.values(), key=lambda entry: entry["age"])[:SHOWN_LEARNED]

    async def forget(self, upstream: str, model: str) -> int:
        """Have all workers forget what was learned of a model; return how many entries that was."""
        replies = await self._peers.ask("forget", upstream=upstream, model=model)
        return sum(reply.value for reply in replies)

    def _look(self, seen: Mapping[str, int], wanted: Mapping[str, str]) -> Json:
        number = seen.get(str(self._peers.number), 0)
        requests = self._recent.after(number, Wanted(**wanted), SHOWN)
        return {
            "requests": msgspec.to_builtins(requests),
            "upstreams": self._own_upstreams(),
            "learned": self._learned.version,
            "sockets": self._sockets.open,
        }

    def _own_learned(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = [
            {
                "upstream": scope.upstream,
                "model": model,
                "holds_for": _words(holds_for),
                "endpoint": learned.shape.endpoint,
                "age": self._learned.age(learned),
            }
            for (scope, model, holds_for), learned in self._learned.entries()
        ]
        return sorted(entries, key=lambda entry: entry["age"])[:SHOWN_LEARNED]

    def _own_upstreams(self) -> Json:
        """Return the figures of each upstream, and the endings of its requests lately."""
        addresses = self._upstreams.health()
        since = time() - LATELY
        outcomes: dict[str, Counter[str]] = {}
        for each in self._recent.newest_first():
            record = each.record
            if record.time < since:
                break
            counts = outcomes.setdefault(record.upstream, Counter())
            counts[record.reason if record.outcome in FAILURES else ""] += 1
        return {
            name: {
                "in_flight": figures.in_flight,
                "queued": figures.queued,
                "idle": figures.idle,
                "endings": outcomes.get(name, {}),
                "addresses": [
                    {
                        "address": each.address,
                        "up": each.up,
                        "in_flight": each.in_flight,
                        "failures": each.failures,
                        "reason": each.reason,
                    }
                    for each in addresses[name]
                ],
            }
            for name, figures in self._upstreams.stats().items()
        }


def _added(workers: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the open sockets of all workers, by kind, without kinds that have none."""
    total: Counter[str] = Counter()
    for each in workers:
        total.update(each)
    return dict(+total)


def _words(holds_for: frozenset[str] | str | None) -> str:
    """Return for which requests something was learned, in words."""
    if holds_for is None:
        return "every request"
    if isinstance(holds_for, frozenset):
        return "requests with " + " and ".join(sorted(holds_for))
    return f"{holds_for} clients"


def _upstream(settings: UpstreamSettings, workers: Iterable[Json]) -> Json:
    """Return an upstream with its figures in all workers together."""
    figures = [each[settings.name] for each in workers if settings.name in each]
    endings: Counter[str] = Counter()
    for each in figures:
        endings.update(each["endings"])
    total = endings.total()
    addresses = [each["addresses"] for each in figures]
    return {
        "name": settings.name,
        "addresses": [_address(each) for each in zip(*addresses, strict=False)],
        "kind": settings.kind.name,
        "credential": settings.credential,
        "max_connections": settings.max_connections * len(settings.base_urls) * len(figures),
        "in_flight": _sum(figures, "in_flight"),
        "queued": _sum(figures, "queued"),
        "idle": _sum(figures, "idle"),
        "requests": total,
        "failed": total - endings.pop("", 0),
        "reasons": dict(endings.most_common()),
    }


def _address(workers: Sequence[Json]) -> Json:
    """Return an address with its figures in all workers together."""
    reasons = [each["reason"] for each in workers if each["reason"]]
    return {
        "address": workers[0]["address"],
        "up": sum(bool(each["up"]) for each in workers),
        "workers": len(workers),
        "in_flight": _sum(workers, "in_flight"),
        "failures": _sum(workers, "failures"),
        "reason": reasons[-1] if reasons else None,
    }


def _sum(figures: Iterable[Mapping[str, Any]], name: str) -> int | None:
    """Return the sum of one of the workers' figures; None if they do not know it."""
    known = [each[name] for each in figures if each[name] is not None]
    return sum(known) if known else None
