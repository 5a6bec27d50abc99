"""Property tests here judge results, never speed: the machine may be busy.

26,000 tests are a million objects, which a full collection looks at each time. They are there to
stay, so they are set apart once they are all known.
"""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import without_fast_paths

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
without_fast_paths.set_default()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
