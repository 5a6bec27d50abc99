"""The limit of open files, on platforms that have one, let it be raised, or know nothing of it."""

import resource
from math import inf

import pytest

from gateway.system import open_files
from gateway.system.open_files import open_files_limit, raise_open_files_limit


def test_the_limit_is_the_one_that_holds_now(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_files_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert open_files_limit() == inf


@pytest.mark.parametrize("limits", [(64, 512), (1024, 1024)])
def test_it_is_raised_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    given: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda what, limit: given.append((what, limit)))
    assert raise_open_files_limit()
    assert given == [(resource.RLIMIT_NOFILE, (limits[1], limits[1]))]


@pytest.mark.parametrize("failure", [ValueError("above kern.maxfilesperproc"), OSError()])
def test_one_that_cannot_be_raised_stays(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def refuse(_: int, __: tuple[int, int]) -> None:
        raise failure

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert not raise_open_files_limit()


def test_a_platform_without_limits_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> None:
        raise ImportError

    monkeypatch.setattr(open_files, "import_module", none)
    assert open_files_limit() == inf
    assert not raise_open_files_limit()
