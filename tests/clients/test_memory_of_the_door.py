"""What failed requests leave in memory by way of the whole gateway: nothing at the door either."""

import contextlib
import gc
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    ServerSettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.shapes import Shape
from tests import kinds
from tests.clients.behind_the_door import TRANSLATED, UNTOUCHED, Flow
from tests.clients.faulty_upstream import Fault, FaultyUpstream, Visit, event, faulty_upstream
from tests.clients.raw import RawConnection, connect
from tests.clients.running import RunningGateway, running_gateway
from tests.clients.test_memory_after_failures import (
    BODY,
    FAULTS,
    KEPT,
    TIMED_OUT,
    TIMEOUTS,
    left_behind,
    without_collector,
)
from tests.waiting import wait_until

REQUESTS = 12
FLOWS = (*UNTOUCHED, *TRANSLATED)
CHOSEN = (
    *("closed unanswered", "closed within the head", "silent", "refused", "refused at length"),
    *("a reply cut off", "a reply that is not JSON", "a stream cut off", "a stream that stalls"),
    *("a stream with an error", "a stream reset", "one call of several refused"),
)


@contextmanager
def gateway_before(
    base_url: str, name: str = "", server: ServerSettings | None = None
) -> Iterator[RunningGateway]:
    timeouts = TIMEOUTS if name in TIMED_OUT else TimeoutSettings()
    settings = Settings(
        (UpstreamSettings("up", base_url, kinds.OTHER, CredentialPolicy.NONE, timeouts=timeouts),),
        server or ServerSettings(),
        clients=(ClientSettings("team", ("0" * 64,)),) if name == "an unknown key" else (),
        models=tuple(ModelRule(f"at-{shape}", endpoints=(shape,)) for shape in Shape),
        admin=AdminSettings(),
    )
    with running_gateway(settings) as gateway:
        yield gateway


def settled(gateway: RunningGateway) -> bool:
    stats = gateway.application.upstreams.stats().values()
    return all(each.in_flight == each.queued == 0 for each in stats)


def check_nothing_is_left(gateway: RunningGateway) -> None:
    wait_until(lambda: settled(gateway))
    # In the gateway's own thread nothing runs any more once this has been through its loop.
    with connect(gateway.base_url) as client:
        client.request("GET", "/healthz")
        assert client.reply().status == 200
    assert left_behind() < KEPT


def ask(base_url: str, flow: Flow, *, streamed: bool) -> None:
    """Send a large request and read what comes, to whatever end."""
    with connect(base_url) as client, contextlib.suppress(OSError):
        client.request("POST", flow.client.endpoint, flow.body(BODY, streamed=streamed))
        client.reply()


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_failed_request_leaves_nothing_at_the_door(name: str) -> None:
    with (
        faulty_upstream(FAULTS[name]) as upstream,
        gateway_before(upstream.base_url, name) as gateway,
        without_collector(),
    ):
        for number in range(REQUESTS):
            ask(gateway.base_url, FLOWS[number % len(FLOWS)], streamed=number % 2 == 0)
        check_nothing_is_left(gateway)


def bad_json(client: RawConnection) -> None:
    client.request("POST", "/v1/chat/completions", b"{" + b" " * BODY)
    assert client.reply().status == 400


def too_large(client: RawConnection) -> None:
    client.send(client.head("POST", "/v1/chat/completions", 10**9))
    assert client.reply().status == 413


def too_large_in_chunks(client: RawConnection) -> None:
    head = client.head("POST", "/v1/chat/completions", transfer_encoding="chunked")
    client.send(head + b"%x\r\n" % 10**9 + b"x" * BODY)


def unknown_path(client: RawConnection) -> None:
    client.request("POST", "/nowhere", b"x" * BODY)
    assert client.reply().status == 404


def unknown_key(client: RawConnection) -> None:
    client.request("POST", "/v1/chat/completions", b"x" * BODY)
    assert client.reply().status == 401


def silent_in_the_body(client: RawConnection) -> None:
    client.send(client.head("POST", "/v1/chat/completions", BODY) + b"x" * (BODY - 1))
    assert client.reply().status == 408


def leaves_in_the_body(client: RawConnection) -> None:
    client.send(client.head("POST", "/v1/chat/completions", BODY) + b"x" * (BODY - 1))


def leaves_in_an_upload(client: RawConnection) -> None:
    client.send(client.head("POST", "/v1/files", 2 * BODY) + b"x" * BODY)


AT_THE_DOOR: dict[str, Callable[[RawConnection], None]] = {
    "bad JSON": bad_json,
    "too large": too_large,
    "too large, in chunks": too_large_in_chunks,
    "an unknown path": unknown_path,
    "an unknown key": unknown_key,
    "silent in the body": silent_in_the_body,
    "leaves in the body": leaves_in_the_body,
    "leaves in an upload": leaves_in_an_upload,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", AT_THE_DOOR)
def test_what_the_door_refuses_leaves_nothing(name: str) -> None:
    server = ServerSettings(
        max_body_bytes=BODY // 2 if name == "too large, in chunks" else 2 * BODY,
        body_idle_timeout=0.05 if name == "silent in the body" else 30,
    )
    with (
        faulty_upstream(Visit.wait) as upstream,
        gateway_before(upstream.base_url, name, server) as gateway,
        without_collector(),
    ):
        for _ in range(REQUESTS):
            with connect(gateway.base_url) as client, contextlib.suppress(OSError):
                AT_THE_DOOR[name](client)
        check_nothing_is_left(gateway)


def waits(visit: Visit) -> None:
    visit.wait()


def begins_and_waits(visit: Visit) -> None:
    visit.stream(event(visit.path))
    visit.wait()


def arrived(upstream: FaultyUpstream, before: int) -> bool:
    return upstream.visits > before


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("fault", [waits, begins_and_waits], ids=["first byte", "mid-stream"])
def test_a_client_that_leaves_leaves_nothing_at_the_door(fault: Fault, *, reset: bool) -> None:
    with faulty_upstream(fault) as upstream, gateway_before(upstream.base_url) as gateway:
        parts = urlsplit(gateway.base_url)
        with without_collector():
            for number in range(REQUESTS):
                before = upstream.visits
                flow = FLOWS[number % len(FLOWS)]
                made = socket.create_connection((parts.hostname or "", parts.port or 80), 10)
                client = RawConnection(made, parts.netloc)
                client.request("POST", flow.client.endpoint, flow.body(BODY, streamed=True))
                wait_until(partial(arrived, upstream, before))
                if reset:
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client._reader.close()
                made.close()
                wait_until(lambda: settled(gateway))
            check_nothing_is_left(gateway)


def test_the_collector_is_on_again() -> None:
    assert gc.isenabled()
