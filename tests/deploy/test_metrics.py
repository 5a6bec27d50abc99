"""What the dashboard and the alerts ask for is what a gateway has, and each has its labels.

The gateway shares its memory through a real Redis and has read its configuration anew, so that all
there is has happened.
"""

import signal
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.programs import debian
from tests.deploy.queries import ADDED, Query, queries
from tests.deploy.watched import Watched, watched
from tests.redis_server import redis_server
from tests.rows import module_fixture
from tests.waiting import wait_until

OF_PROMETHEUS = frozenset({"up"})
"""What it says of a scrape by itself."""

pytestmark = pytest.mark.slow


@module_fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    debian("redis-server")
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running.url


@module_fixture
def exposed(redis: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of all samples that the gateway exposes, each with its labels."""
    shared = {"secret": "s" * 32, "memory": {"url": redis}, "responses": {"store": redis}}
    with watched(tmp_path_factory.mktemp("gateway"), **shared) as gateway:
        _reload(gateway)
        found: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(gateway.metrics()):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
        return found


def _reload(gateway: Watched) -> None:
    """Let it read its file twice: as it is, and when it is wrong."""
    _read_anew(gateway, "success")
    gateway.config.write_text("nonsense: 1\n" + gateway.config.read_text("utf-8"), "utf-8")
    _read_anew(gateway, "failure")


def _read_anew(gateway: Watched, result: str) -> None:
    gateway.process.signal(signal.SIGHUP)
    counted = f'gateway_config_reloads_total{{result="{result}"}} 1.0'
    wait_until(lambda: counted in gateway.metrics())


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.place)
def test_a_query_asks_for_what_there_is(query: Query, exposed: dict[str, set[str]]) -> None:
    metrics = query.metrics()
    assert metrics
    for name, labels in metrics.items():
        if name not in OF_PROMETHEUS:
            assert name in exposed
            assert labels <= exposed[name], name


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.place)
def test_a_text_shows_labels_that_the_result_has(
    query: Query, exposed: dict[str, set[str]]
) -> None:
    there = set(ADDED).union(*(exposed.get(name, ()) for name in query.metrics()))
    assert query.shown <= there
