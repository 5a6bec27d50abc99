"""Property tests here judge results, never speed: the machine may be busy.

Thousands of tests are a million objects, which a full collection looks at each time. They are there
to stay, and so are their reports: they are set apart. Likewise, each TLS context reads all CAs that
the system trusts, and a test makes hundreds of contexts: one CA is enough where all is local.
"""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import authorities, without_fast_paths

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
without_fast_paths.set_default()
authorities.trust_nobody()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def _set_apart() -> None:
    gc.collect()
    gc.freeze()
