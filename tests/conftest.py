"""Property tests here judge results, never speed: the machine may be busy.

EXAMPLES in the environment is how many random inputs each gets: `make test EXAMPLES=1000`.

Thousands of tests are a million objects, which a full collection looks at each time. They are there
to stay, and so are their reports: they are set apart. What tests make is collected as seldom as in
a gateway that serves. Each TLS context reads all CAs that the system trusts, and a test makes
hundreds of contexts: one CA is enough where all is local. The fast paths, which a gateway loads
with its first translation, are there from the start.
"""

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from gateway.fast import paths
from tests import authorities, forked, loops, waiting, without_fast_paths
from tests.tracing import Tracing

pytest_plugins = ["tests.rewriting", "tests.rows", "tests.second_try"]

EXAMPLES = int(os.environ.get("EXAMPLES", "") or 25)
settings.register_profile(
    "untimed",
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")
without_fast_paths.set_default()
authorities.trust_nobody()
paths.load()
tracing = Tracing()
COLLECTOR_THRESHOLDS = (20_000, 50, 100)
"""Those of a gateway that serves (`gateway.lifecycle.process`)."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: tests of a network wait as much as they work."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        waiting.be_patient()
        gc.freeze()
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Set apart the reports of all tests: pytest collects several times at its end."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    forked.end()
    loops.end()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    with tracing.on(request.node):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    with tracing.on(pyfuncitem):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with tracing.on(item):
        return (yield)


@pytest.fixture(scope="module", autouse=True)
def _set_apart() -> None:
    gc.collect()
    gc.freeze()
