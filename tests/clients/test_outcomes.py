"""What an operator sees of a failing upstream: the outcome in the metrics, and one line in the log.

Over sockets: each kind of failure, passed through and translated, whole and streamed.
"""

import contextlib
import hashlib
import http.client
import logging
import re
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar
from urllib.parse import urlsplit

import pytest

from gateway import app
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    ServerSettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.log_interval import LOG_INTERVAL
from gateway.observe.failure_log import FailureLog
from gateway.shapes import Shape
from tests import kinds
from tests.addresses import NO_SUCH_HOST, held_port
from tests.clients.running import RunningGateway, running_gateway
from tests.rows import module_fixture
from tests.waiting import PATIENCE

UPSTREAM_KEY = "sk-upstream-secret"
CLIENT_KEY = "sk-client-secret"
SAID = "what-the-upstream-said"
"""In every body that the upstream sends; never in the log."""

CHAT_CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":"%b"},"finish_reason":null}]}\n\n'
    % SAID.encode()
)
RESPONSES_EVENT = (
    b'event: response.created\ndata: {"type":"response.created","sequence_number":0,'
    b'"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}\n\n'
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"i",'
    b'"output_index":0,"content_index":0,"sequence_number":1,"delta":"%b"}\n\n' % SAID.encode()
)
ERROR = b'{"error":{"message":"%b","type":"server_error","param":null,"code":null}}' % SAID.encode()


@dataclass
class Asked:
    """One request as the upstream reads it."""

    fault: str
    path: str
    streamed: bool


def whole(status: str, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    return head.encode() + body


def events(*raw: bytes) -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return head + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in raw)


def begun(asked: Asked) -> bytes:
    """The beginning of a good reply."""
    if asked.streamed:
        return events(RESPONSES_EVENT if "responses" in asked.path else CHAT_CHUNK)
    return whole("200 OK", b'{"id":"x",', 4000)


def error_reply(asked: Asked) -> bytes:
    return (
        events(b"data: %b\n\n" % ERROR) + b"0\r\n\r\n" if asked.streamed else whole("200 OK", ERROR)
    )


def bad_reply(asked: Asked) -> bytes:
    bad = f"no JSON: {SAID}".encode()
    return events(b"data: %b\n\n" % bad) + b"0\r\n\r\n" if asked.streamed else whole("200 OK", bad)


REPLIES: dict[str, Callable[[Asked], bytes]] = {
    "closed": lambda _: b"",
    "bad_http": lambda _: b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "first_byte_timeout": lambda _: b"",
    "idle_timeout": begun,
    "truncated": begun,
    "server_error": lambda _: whole("503 Service Unavailable", ERROR),
    "rate_limited": lambda _: whole("429 Too Many Requests", ERROR),
    "key_refused": lambda _: whole("401 Unauthorized", ERROR),
    "error_reply": error_reply,
    "bad_reply": bad_reply,
}
TIMEOUTS = {
    "first_byte_timeout": TimeoutSettings(connect=PATIENCE, first_byte=0.2),
    "idle_timeout": TimeoutSettings(connect=PATIENCE, first_byte=PATIENCE, stream_idle=0.2),
}
"""Of the upstreams that are silent afterwards; no machine is too slow for the others."""
PATIENT = TimeoutSettings(connect=PATIENCE, metadata=PATIENCE)
UNCONNECTED = ("refused", "dns", "tls")
FAULTS = (*UNCONNECTED, *REPLIES)


class Faulty(socketserver.StreamRequestHandler):
    """Serves one request, as the first segment of its path says."""

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        length = re.search(rb"content-length: (\d+)", head.lower())
        body = self.rfile.read(int(length[1])) if length else b""
        _, fault, path = head.split(b" ")[1].decode().split("/", 2)
        self.wfile.write(REPLIES[fault](Asked(fault, path, b'"stream":true' in body)))
        if fault in TIMEOUTS:
            self.rfile.read()


class NoTls(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.read(1)
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@contextlib.contextmanager
def served(handler: type[socketserver.StreamRequestHandler]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


COUNTED = {"gateway_requests_total": "outcome", "gateway_upstream_failures_total": "reason"}
"""By which label each counter is read."""
Counted = TypeVar("Counted", str, tuple[str, str])


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Operator:
    """A gateway before all these upstreams, and what can be seen of it."""

    gateway: RunningGateway
    clock: Clock
    lines: list[str] = field(default_factory=list)

    def post(self, path: str, body: str, key: str = CLIENT_KEY) -> tuple[int, bytes]:
        """Send a request; return the reply, as far as it came."""
        return self.ask("POST", path, body, key)

    def ask(
        self, method: str, path: str, body: str = "", key: str = CLIENT_KEY
    ) -> tuple[int, bytes]:
        """Send any request; return the reply, as far as it came."""
        address = urlsplit(self.gateway.base_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=PATIENCE)
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            try:
                return reply.status, reply.read()
            except http.client.IncompleteRead as cut:
                return reply.status, cut.partial

    def metrics(self, name: str = r"\w+") -> list[tuple[str, dict[str, str], float]]:
        address = urlsplit(self.gateway.admin_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        found = re.findall(rf"^({name})\{{(.*)\}} (\S+)$", text, re.MULTILINE)
        return [
            (name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
            for name, labels, value in found
        ]

    def count(self, name: str, label: str, upstream: str) -> Counter[str]:
        """The counter's values by one of its labels, of one upstream."""
        counts = Counter[str]()
        for _, labels, value in self.metrics(name):
            if labels["upstream"] == upstream:
                counts[labels[label]] += int(value)
        return counts

    def counts(self, upstream: str) -> Counter[tuple[str, str]]:
        """Both counters of an upstream, of one look: each takes as long as several requests."""
        counts = Counter[tuple[str, str]]()
        for name, labels, value in self.metrics("|".join(COUNTED)):
            if labels["upstream"] == upstream:
                counts[COUNTED[name], labels[COUNTED[name]]] += int(value)
        return counts

    def outcomes(self, upstream: str) -> Counter[str]:
        return self.count("gateway_requests_total", "outcome", upstream)

    def reasons(self, upstream: str) -> Counter[str]:
        return self.count("gateway_upstream_failures_total", "reason", upstream)

    def lines_of(self, upstream: str) -> list[str]:
        return [line for line in self.lines if line.startswith(f"upstream {upstream}: ")]

    def more(
        self, before: Counter[Counted], now: Callable[[], Counter[Counted]], by: int = 1
    ) -> Counter[Counted]:
        """Wait until a counter has gone up: it does so just after the client has its reply."""
        end = time.monotonic() + PATIENCE
        while (risen := now() - before).total() < by:
            assert time.monotonic() < end, "it was never counted"
            time.sleep(0.005)
        return risen


def upstream(name: str, url: str) -> UpstreamSettings:
    return UpstreamSettings(
        name,
        url,
        kinds.OTHER,
        CredentialPolicy.KEY,
        api_key=Secret(UPSTREAM_KEY),
        timeouts=TIMEOUTS.get(name, PATIENT),
    )


class Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@module_fixture
def operator() -> Iterator[Operator]:
    clock = Clock()
    with (
        pytest.MonkeyPatch.context() as patch,
        served(Faulty) as port,
        served(NoTls) as without_tls,
    ):
        patch.setattr(app, "FailureLog", lambda _: FailureLog(clock))
        urls = {
            "refused": f"http://127.0.0.1:{held_port()}/v1",
            "dns": f"http://{NO_SUCH_HOST}/v1",
            "tls": f"https://127.0.0.1:{without_tls}/v1",
        }
        settings = Settings(
            tuple(
                upstream(fault, urls.get(fault, f"http://127.0.0.1:{port}/{fault}/v1"))
                for fault in FAULTS
            ),
            ServerSettings(first_byte_grace=PATIENCE),
            models=tuple(
                ModelRule(f"{home}-{fault}", model="m", upstream=fault, endpoints=(home,))
                if home is not Shape.COMPLETIONS
                else ModelRule(f"untouched-{fault}", upstream=fault, endpoints=(Shape.CHAT,))
                for home, fault in product(Shape, FAULTS)
            ),
            clients=(
                ClientSettings("team-a", (hashlib.sha256(CLIENT_KEY.encode()).hexdigest(),)),
                ClientSettings("team-b", (hashlib.sha256(b"sk-b").hexdigest(),), ("gpt-*",)),
            ),
        )
        with running_gateway(settings) as gateway:
            seen = Operator(gateway, clock)
            handler = Lines(seen.lines)
            logging.getLogger("gateway").addHandler(handler)
            try:
                yield seen
            finally:
                logging.getLogger("gateway").removeHandler(handler)


SAYS = {
    Shape.COMPLETIONS: '"prompt":"Hi"',
    Shape.CHAT: '"messages":[{"role":"user","content":"Hi"}]',
    Shape.RESPONSES: '"input":"Hi"',
}
PAIRS = (
    (Shape.CHAT, "untouched"),
    (Shape.CHAT, "chat"),
    (Shape.COMPLETIONS, "chat"),
    (Shape.RESPONSES, "chat"),
    (Shape.CHAT, "responses"),
)


def request_body(client: Shape, model: str, *, streamed: bool) -> str:
    stream = ',"stream":true' if streamed else ""
    return f'{{"model":"{model}",{SAYS[client]}{stream}}}'


def expected(fault: str, *, begun: bool) -> str:
    """Return the outcome of a fault, before or after the client's reply has begun."""
    if fault == "rate_limited":
        return "rate_limited"
    return "stream_broken" if begun else "upstream_error"


UNREAD = {"error_reply", "bad_reply"}
"""What is not noticed where replies are not read."""


def unnoticed(fault: str, home: str) -> bool:
    """Whether a fault passes: of what is relayed untouched only the beginning is read."""
    return home == "untouched" and fault == "bad_reply"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "home"), PAIRS, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_is_an_outcome_a_reason_and_one_line(
    operator: Operator, fault: str, client: Shape, home: str, *, streamed: bool
) -> None:
    passes = unnoticed(fault, home)
    before = operator.counts(fault)
    body = request_body(client, f"{home}-{fault}", streamed=streamed)
    status, _ = operator.post(client.endpoint, body)
    risen = operator.more(before, lambda: operator.counts(fault), by=1 if passes else 2)
    if passes:
        assert risen == {("outcome", "success"): 1}
        return
    # An error in the place of a reply is judged before the client's has begun, though what is
    # relayed keeps its status.
    replaces = fault == "error_reply" and (home == "untouched" or not streamed)
    begun = status == 200 and not replaces
    assert risen == {("outcome", expected(fault, begun=begun)): 1, ("reason", fault): 1}
    lines = operator.lines_of(fault)
    assert [line.split(": ")[1] for line in lines] == [fault]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in UNREAD])
def test_what_is_passed_on_fails_alike(operator: Operator, fault: str) -> None:
    outcomes = operator.outcomes(fault)
    body = f'{{"model":"untouched-{fault}","input":"Hi"}}'
    status, _ = operator.post("/v1/embeddings", body)
    outcome = operator.more(outcomes, lambda: operator.outcomes(fault))
    assert outcome == {expected(fault, begun=status == 200): 1}
    assert [line.split(": ")[1] for line in operator.lines_of(fault)] == [fault]


def test_the_next_line_comes_after_a_minute_and_says_how_many_were_left_out(
    operator: Operator,
) -> None:
    def fail() -> None:
        before = operator.reasons("refused")
        operator.post(
            "/v1/chat/completions", request_body(Shape.CHAT, "chat-refused", streamed=False)
        )
        operator.more(before, lambda: operator.reasons("refused"))

    operator.clock.now += LOG_INTERVAL
    fail()
    operator.lines.clear()
    for _ in range(3):
        fail()
    assert operator.lines_of("refused") == []
    operator.clock.now += LOG_INTERVAL
    fail()
    (line,) = operator.lines_of("refused")
    assert "the connection was refused; check its base_url" in line
    assert line.endswith(" (3 more since the last such line)")


def test_a_client_that_is_refused_is_named_in_the_log_and_in_the_metrics(
    operator: Operator,
) -> None:
    operator.clock.now += LOG_INTERVAL
    operator.lines.clear()
    before = operator.count("gateway_requests_total", "client", "none")
    for key in ("sk-b", "sk-b", "sk-nobody", "sk-nobody"):
        body = request_body(Shape.CHAT, "chat-closed", streamed=False)
        operator.post("/v1/chat/completions", body, key)
    clients = operator.more(
        before, lambda: operator.count("gateway_requests_total", "client", "none"), by=4
    )
    assert clients == {"team-b": 2, "none": 2}
    assert operator.lines == [
        "client team-b: model_not_allowed: its request was refused",
        "client unknown: invalid_api_key: its request was refused",
    ]


def test_no_key_and_no_words_of_a_body_are_in_the_log(operator: Operator) -> None:
    operator.clock.now += LOG_INTERVAL
    operator.lines.clear()
    for fault in REPLIES:
        before = operator.outcomes(fault)
        operator.post(
            "/v1/completions", request_body(Shape.COMPLETIONS, f"chat-{fault}", streamed=True)
        )
        operator.more(before, lambda fault=fault: operator.outcomes(fault))  # type: ignore[misc]
    assert len(operator.lines) == len(REPLIES)
    for secret in (UPSTREAM_KEY, CLIENT_KEY, SAID, '"Hi"'):
        assert secret not in "\n".join(operator.lines)


def test_upstreams_that_a_model_list_lacks_are_logged(operator: Operator) -> None:
    operator.clock.now += LOG_INTERVAL
    operator.lines.clear()
    before = operator.reasons("dns")
    status, _ = operator.ask("GET", "/v1/models")
    assert status == 502
    operator.more(before, lambda: operator.reasons("dns"))
    assert [line.split(": ")[:2] for line in operator.lines] == [
        [f"upstream {fault}", fault] for fault in FAULTS
    ]


def test_the_time_that_a_request_took_is_counted_by_upstream(operator: Operator) -> None:
    counts = operator.count("gateway_request_seconds_count", "outcome", "closed")
    assert counts == operator.outcomes("closed")


def test_an_upstream_that_is_in_use_is_seen_as_such(operator: Operator) -> None:
    gauges = {name for name, labels, _ in operator.metrics() if labels.get("upstream") == "closed"}
    assert {"gateway_upstream_in_flight", "gateway_upstream_queued"} <= gauges
