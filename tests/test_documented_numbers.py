"""The numbers that the documents give are those of the code."""

from pathlib import Path

import pytest

from gateway.config.settings import TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.envelopes.json_fields import MAX_ENTRIES
from gateway.exchange.reply.wrapped_errors import SMALL_REPLY_BYTES
from gateway.exchange.retries import MAX_MENDED
from gateway.resolve.metadata.fetch import MAX_BODY_BYTES
from gateway.resolve.metadata.lineage import MAX_CHECKPOINT_JOBS, MAX_JOB_PAGES
from gateway.resolve.recent_routes import LIFETIME
from gateway.resolve.resolution import MAX_LINEAGE
from gateway.shapes import Shape
from gateway.upstream.slots import for_look_ups

DOCS = Path(__file__).parents[1] / "docs"
WORDS = {3: "three", 4: "four", 5: "five", 8: "eight", 60: "a minute", 3600: "an hour"}
TIMEOUTS, MEMORY = TimeoutSettings(), MemorySettings()
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("resolution.md", f"`timeouts.metadata` ({TIMEOUTS.metadata:g} seconds)"),
        ("resolution.md", f"{WORDS[round(TIMEOUTS.look_up / TIMEOUTS.metadata)]} times"),
        ("resolution.md", f"`memory.negative_ttl`\n  ({WORDS[round(MEMORY.negative_ttl)]})"),
        ("resolution.md", f"`memory.ttl` ({WORDS[round(MEMORY.ttl)]})"),
        ("resolution.md", f"calls at most {WORDS[len(Shape)]} endpoints"),
        ("resolution.md", f"({MAX_MENDED} at most)"),
        ("resolution.md", f"JSON of up to {SMALL_REPLY_BYTES // 1024} KB"),
        ("resolution.md", f"up to {WORDS[MAX_LINEAGE]} times"),
        ("resolution.md", f"the newest {MAX_CHECKPOINT_JOBS} jobs"),
        ("operations.md", f"| {TIMEOUTS.metadata:g} s | goes on without"),
        ("operations.md", f"| {TIMEOUTS.look_up:g} s | given up"),
        ("operations.md", f"{MAX_BODY_BYTES // MIB} MiB, of which the first {MAX_ENTRIES:,}"),
        ("operations.md", f"{MAX_JOB_PAGES} pages"),
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
    assert "for a second (`recent_routes.py`)" in (DOCS / "architecture.md").read_text("utf-8")
