"""Settings for what keeps nothing in files."""

from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings, ResponsesSettings
from gateway.stores.files import without_files

UPSTREAM = UpstreamSettings("openai", "http://127.0.0.1:1/v1")


def settings_with(memory: str, store: str | None) -> Settings:
    return Settings((UPSTREAM,), memory=MemorySettings(memory), responses=ResponsesSettings(store))


def test_what_serves_nobody_keeps_nothing_in_files() -> None:
    changed = without_files(settings_with("sqlite:///m", "sqlite:///r"))
    assert (changed.memory.url, changed.responses.store) == ("memory://", "memory://")
    for same in (settings_with("memory://", None), settings_with("redis://h", "redis://h")):
        assert without_files(same) == same
