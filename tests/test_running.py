"""What is settled before the gateway's processes part."""

import pytest

from gateway.app import Application
from gateway.config.secret import Secret
from gateway.config.settings import ServerSettings, Settings, UpstreamSettings
from gateway.config.source import Source
from gateway.running import run
from gateway.server.peers import Peers


@pytest.mark.parametrize("workers", [1, 2])
def test_all_processes_have_the_same_secret(workers: int) -> None:
    upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1")
    seen: list[Secret | None] = []

    def build(settings: Settings, _: Peers, __: Application | None) -> Application:
        seen.append(settings.secret)
        raise ValueError("seen")

    settings = Settings((upstream,), ServerSettings(port=0, workers=workers))
    configured = Settings((upstream,), settings.server, secret=Secret("s" * 32))
    for each in (settings, configured):
        with pytest.raises(ValueError, match="seen"):
            run(Source(None, {}), each, build)
    drawn, kept = seen
    assert drawn is not None
    assert len(drawn.reveal()) == 64
    assert kept == Secret("s" * 32)
