"""Other protocols: WebSockets are refused, everything else is ignored."""

import pytest

from gateway.api.upgrades import check_upgrade, refuse_websocket
from gateway.errors import GatewayError


@pytest.mark.parametrize("value", [b"websocket", b"WebSocket", b"h2c, websocket"])
def test_a_get_for_a_websocket_is_refused(value: bytes) -> None:
    with pytest.raises(GatewayError) as raised:
        check_upgrade("GET", ((b"upgrade", value),))
    assert raised.value.status == 426
    assert dict(raised.value.headers)["upgrade"] == "HTTP/1.1"
    assert refuse_websocket().code == "websocket_not_supported"


@pytest.mark.parametrize(("method", "value"), [("POST", b"websocket"), ("GET", b"h2c")])
def test_other_upgrades_are_ignored(method: str, value: bytes) -> None:
    check_upgrade(method, ((b"upgrade", value),))
