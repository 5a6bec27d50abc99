"""The log's first line."""

import logging

import pytest

from gateway import __version__
from gateway.config.settings import ClientSettings, ServerSettings, Settings, UpstreamSettings
from gateway.observe.start import log_start


def test_it_has_the_version_and_what_is_configured(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(
        (UpstreamSettings("a", "http://a/v1"), UpstreamSettings("b", "http://b/v1")),
        ServerSettings(workers=3),
        clients=(ClientSettings("team", ("0" * 64,)),),
    )
    with caplog.at_level(logging.INFO, "gateway"):
        log_start(settings, {"gateway": "http://x:1/v1", "admin": "http://x:2"})
    assert caplog.messages == [
        (
            f"endpoint-gateway {__version__} has started: gateway at http://x:1/v1, admin at "
            "http://x:2; upstreams: a, b; clients: 1; workers: 3"
        )
    ]
    assert vars(caplog.records[0])["fields"] == {
        "version": __version__,
        "gateway": "http://x:1/v1",
        "admin": "http://x:2",
        "upstreams": ["a", "b"],
        "clients": 1,
        "workers": 3,
    }
