"""What a reload changes, and what it cannot."""

from dataclasses import replace

import pytest

from gateway.config.changes import changed, fixed_changes
from gateway.config.checks.problems import show_path
from gateway.config.operator_settings import AdminSettings, LogSettings
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    ModelRule,
    ServerSettings,
    Settings,
    UpstreamSettings,
)
from gateway.config.store_settings import MemorySettings, ResponsesSettings

ONE, TWO = UpstreamSettings("one", "http://one/v1"), UpstreamSettings("two", "http://two/v1")
SETTINGS = Settings((ONE, TWO))


@pytest.mark.parametrize(
    ("new", "keys"),
    [
        (SETTINGS, []),
        (replace(SETTINGS, server=ServerSettings(grace_period=1)), []),
        (replace(SETTINGS, admin=AdminSettings(token=Secret("t"))), []),
        (
            replace(SETTINGS, server=ServerSettings(host="::", port=1)),
            ["server.host", "server.port"],
        ),
        (replace(SETTINGS, server=ServerSettings(workers=2)), ["server.workers"]),
        (replace(SETTINGS, admin=AdminSettings(enabled=False)), ["admin.enabled"]),
        (replace(SETTINGS, memory=MemorySettings(url="redis://x")), ["memory.url"]),
        (replace(SETTINGS, memory=MemorySettings(ttl=1)), ["memory.ttl"]),
        (replace(SETTINGS, responses=ResponsesSettings("memory://")), ["responses.store"]),
        (replace(SETTINGS, memory=MemorySettings(credentials=Secret("u:p"))), ["memory.url"]),
        (
            replace(
                SETTINGS,
                memory=MemorySettings("redis://x", credentials=Secret("u:p")),
                responses=ResponsesSettings("redis://x", credentials=Secret("u:p")),
            ),
            ["memory.url", "responses.store"],
        ),
        (replace(SETTINGS, secret=Secret("s")), ["secret"]),
    ],
)
def test_what_only_a_restart_can_apply_is_named(new: Settings, keys: list[str]) -> None:
    found = list(fixed_changes(SETTINGS, new))
    assert [show_path(path) for path, _ in found] == keys
    for _, fault in found:
        assert "cannot be changed while the gateway runs" in fault.message


@pytest.mark.parametrize(
    ("new", "keys"),
    [
        (SETTINGS, []),
        (replace(SETTINGS, upstreams=(ONE, replace(TWO, base_url="x"))), ["upstreams.two"]),
        (replace(SETTINGS, upstreams=(ONE,)), ["upstreams.two"]),
        (replace(SETTINGS, upstreams=(TWO, ONE)), ["the order of upstreams"]),
        (replace(SETTINGS, models=(ModelRule("a.b"),)), ['models["a.b"]']),
        (replace(SETTINGS, log=LogSettings("debug")), ["log"]),
    ],
)
def test_what_has_changed_is_named(new: Settings, keys: list[str]) -> None:
    assert changed(SETTINGS, new) == keys


CLIENT, OTHER = ClientSettings("a", ("0" * 64,)), ClientSettings("b", ("1" * 64,))
GUARDED = replace(
    SETTINGS, clients=(CLIENT, OTHER), admin=AdminSettings(token=Secret("t"), enabled=True)
)


@pytest.mark.parametrize(
    ("new", "keys"),
    [
        (replace(GUARDED, clients=(CLIENT,)), []),
        (replace(GUARDED, clients=()), ["clients"]),
        (replace(GUARDED, admin=AdminSettings(token=Secret("u"))), []),
        (replace(GUARDED, admin=AdminSettings()), ["admin.token"]),
        (SETTINGS, ["clients", "admin.token"]),
    ],
)
def test_what_would_open_the_gateway_is_refused(new: Settings, keys: list[str]) -> None:
    found = list(fixed_changes(GUARDED, new))
    assert [show_path(path) for path, _ in found] == keys
    for _, fault in found:
        assert "open" in fault.message
        assert "restart the gateway" in fault.advice


def test_an_emptied_file_is_refused_unless_it_changes_nothing() -> None:
    ((path, fault),) = fixed_changes(SETTINGS, Settings((ONE,)), emptied=True)
    assert (path, fault.message) == ((), "is empty")
    assert list(fixed_changes(SETTINGS, SETTINGS, emptied=True)) == []
