"""uvicorn, for ASGI applications beside the gateway."""

import signal

from gateway.server.admin_server import AdminServer


def test_it_leaves_the_signals_alone_and_says_nothing_about_itself() -> None:
    server = AdminServer(lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    with server.capture_signals():
        assert signal.getsignal(signal.SIGTERM) is before
    server.end(0.2)
    assert server.should_exit
    assert server.config.timeout_graceful_shutdown == 1
    assert not server.config.server_header
