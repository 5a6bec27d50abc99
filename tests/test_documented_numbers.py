"""The numbers that the documents give are those of the code."""

from pathlib import Path

import pytest

from gateway.admin import overview
from gateway.api import guard
from gateway.api.sockets.queues import Bounds
from gateway.config.settings import TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.envelopes.json_fields import MAX_ENTRIES
from gateway.exchange.reply.reading import REST_SECONDS
from gateway.exchange.reply.wrapped_errors import SMALL_REPLY_BYTES
from gateway.exchange.retries import MAX_FIXED
from gateway.exchange.usage import TAIL
from gateway.observe.recent import MAX_BYTES, MAX_RECORDS
from gateway.observe.request_log import MOST_WAITING
from gateway.observe.tracing import export
from gateway.resolve.metadata.fetch import MAX_BODY_BYTES
from gateway.resolve.metadata.lineage import MAX_CHECKPOINT_JOBS, MAX_JOB_PAGES
from gateway.resolve.recent_routes import LIFETIME
from gateway.resolve.resolution import MAX_LINEAGE
from gateway.server import accept
from gateway.server.connection import lifetime
from gateway.server.connection.reception import MAX_PIPELINED
from gateway.server.connection.service import IDLE_TIMEOUT
from gateway.server.websocket import sending
from gateway.shapes import Shape
from gateway.stores.memory import BYTES_OF_AN_ID
from gateway.stores.sharing import MAX_PENDING
from gateway.upstream import health
from gateway.upstream.slots import WAITING_PER_SLOT, for_look_ups

DOCS = Path(__file__).parents[1] / "docs"
WORDS = {3: "three", 4: "four", 5: "five", 8: "eight", 60: "a minute", 3600: "an hour"}
TIMEOUTS, MEMORY = TimeoutSettings(), MemorySettings()
KIB, MIB = 1024, 1024 * 1024
SOCKET = Bounds()


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("resolution.md", f"`timeouts.metadata` ({TIMEOUTS.metadata:g} seconds)"),
        ("resolution.md", f"{WORDS[round(TIMEOUTS.look_up / TIMEOUTS.metadata)]} times"),
        ("resolution.md", f"`memory.negative_ttl`\n  ({WORDS[round(MEMORY.negative_ttl)]})"),
        ("resolution.md", f"`memory.ttl` ({WORDS[round(MEMORY.ttl)]})"),
        ("resolution.md", f"calls at most {WORDS[len(Shape)]} endpoints"),
        ("resolution.md", f"({MAX_FIXED} at most)"),
        ("resolution.md", f"JSON of up to {SMALL_REPLY_BYTES // 1024} KB"),
        ("resolution.md", f"up to {WORDS[MAX_LINEAGE]} times"),
        ("resolution.md", f"the newest {MAX_CHECKPOINT_JOBS} jobs"),
        ("operations.md", f"| {TIMEOUTS.metadata:g} s | continues without"),
        ("operations.md", f"| {TIMEOUTS.look_up:g} s | given up"),
        ("operations.md", f"{MAX_BODY_BYTES // MIB} MiB, of which the first {MAX_ENTRIES:,}"),
        ("operations.md", f"{MAX_JOB_PAGES} pages"),
        ("operations.md", f"request target | {guard.MAX_TARGET_BYTES // KIB} KiB"),
        (
            "operations.md",
            f"{guard.MAX_HEADER_FIELDS} fields, {guard.MAX_HEADER_BYTES // KIB} KiB | 431",
        ),
        ("operations.md", f"{WORDS[WAITING_PER_SLOT]} times as many wait"),
        (
            "operations.md",
            f"head of the client's request | \N{EN DASH} | {lifetime.HEAD_TIMEOUT:g} s",
        ),
        ("operations.md", f"next request on a connection | \N{EN DASH} | {IDLE_TIMEOUT:g} s"),
        ("operations.md", f"after {lifetime.HALF_CLOSED_BYTES // MIB} MiB more from the client"),
        ("operations.md", f"more than about {MAX_PIPELINED // KIB} KiB of further requests"),
        ("operations.md", f"body ends within {REST_SECONDS:g} s"),
        ("operations.md", f"{SOCKET.queues} stream ids at a time, {SOCKET.waiting} that wait"),
        ("operations.md", f"pings | every {sending.PING_INTERVAL:g} seconds"),
        ("operations.md", f"sends nothing for {sending.SILENCE:g} seconds is given up"),
        ("operations.md", f"the closing handshake | {sending.CLOSE_SECONDS:g} seconds"),
        ("operations.md", f"{sending.MESSAGE_SECONDS / 60:g} minutes from its first bytes"),
        ("operations.md", f"keeps its last {MAX_RECORDS:,}, with at most {MAX_BYTES // MIB} MiB"),
        ("operations.md", f"shows the newest {overview.SHOWN}"),
        ("operations.md", f"{WORDS[round(overview.LATELY / 60)]} minutes ended"),
        ("operations.md", f"as soon as there are {MOST_WAITING}"),
        ("operations.md", f"among the last {TAIL // KIB} KiB"),
        (
            "operations.md",
            f"{export.BATCH} spans, at least every {export.INTERVAL:g} seconds",
        ),
        ("operations.md", f"up\nto a limit of {export.MAX_WAITING}"),
        ("operations.md", f"after {WORDS[health.FAILURES_IN_A_ROW]} failures in a row"),
        ("operations.md", f"doubles, up to {health.LONGEST_PAUSE:g} s"),
        ("operations.md", f"to the others for {accept.YIELD * 1000:g} ms"),
        ("operations.md", f"up to {WORDS[accept.YIELDS]} times in a row"),
        ("operations.md", f"takes up to {accept.ACCEPT_BATCH}."),
        ("operations.md", f"writes up to {MAX_PENDING:,} changes later"),
        ("translation/kept-responses.md", f"each item's id counts for {BYTES_OF_AN_ID}"),
    ],
)
def test_a_documented_number_is_that_of_the_code(document: str, text: str) -> None:
    assert text in (DOCS / document).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("requests", "look_ups"), [(1, 4), (16, 4), (100, 25), (256, 64), (999, 64)]
)
def test_look_ups_have_a_quarter_of_the_places_at_least_4_at_most_64(
    requests: int, look_ups: int
) -> None:
    upstream = UpstreamSettings("u", "http://127.0.0.1:9/v1", max_connections=requests)
    assert for_look_ups(upstream).limit == look_ups
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert "a quarter of `max_connections`, at least 4, at most 64" in text


def test_routes_are_decided_once_a_second() -> None:
    assert LIFETIME == 1.0
    assert "for a second (`recent_routes.py`)" in (DOCS / "architecture" / "requests.md").read_text(
        "utf-8"
    )
