"""The interface of relays: what a turn is, and who implements it."""

from gateway.exchange.sockets.live_turn import LiveTurn
from gateway.exchange.sockets.relays import ClientRelays, Create, RelayedTurn
from gateway.exchange.sockets.upstream_relays import RelaysOfClient


def test_it_is_implemented() -> None:
    assert issubclass(RelaysOfClient, ClientRelays)
    assert issubclass(LiveTurn, RelayedTurn)


def test_a_create_need_not_name_anything() -> None:
    assert Create(b"{}") == Create(b"{}", None, None)
