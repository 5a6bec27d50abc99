"""One line for each request: every field, safely escaped."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.config.operator_settings import LogSettings
from gateway.errors import Reason
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.observe.record import FinishedRequest
from gateway.observe.request_log import FACTS, MOST_WAITING, RequestLog
from gateway.shapes import Shape
from tests.documents import ROOT
from tests.observe.ended import finished_now

MEASURED = ("first_byte_ms", "ms", "input_tokens", "output_tokens")
ALWAYS = {"time", "level", "logger", "message", "request_id"}
NASTY = 'a" b\\c\r\n\x1b[31m=\u202e\u2028é'


def record(**decided: Any) -> FinishedRequest:
    facts = {
        "upstream": "openai",
        "shape": Shape.CHAT,
        "resolved_by": "id",
        "attempts": 1,
        "client": "team-a",
        "model_asked": "fast",
        "model_sent": "gpt-4o-mini",
        "id_line": b"x-request-id: req-1\r\n",
        "first_byte": 0.25,
        "tokens": (5, None),
        **decided,
    }
    return finished_now(Decision(**facts), "completions", Ending(Outcome.SUCCESS), 200, 0.5)


def write(*requests: FinishedRequest, format_: str = "json") -> None:
    async def scenario() -> None:
        log = RequestLog(LogSettings(format=format_))  # type: ignore[arg-type]
        for request in requests:
            log.finished(request)
        log.flush()

    asyncio.run(scenario())


def line(of: FinishedRequest, capsys: pytest.CaptureFixture[str], format_: str = "json") -> str:
    write(of, format_=format_)
    written = capsys.readouterr().err
    assert written.endswith("\n")
    assert written.count("\n") == 1
    return written


def test_a_line_of_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    read = json.loads(line(record(), capsys))
    assert set(read) == ALWAYS | {*FACTS, *MEASURED}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", read["time"])
    for name in (*FACTS, *MEASURED):
        assert read[name] == getattr(record().record(), name), name


def test_a_line_of_text_has_the_fields_that_apply(capsys: pytest.CaptureFixture[str]) -> None:
    written = line(record(), capsys, "text")
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO gateway\.requests ", written)
    assert written.split("requests ")[1].split() == [
        *("request_id=req-1", "client=team-a", "model_asked=fast", "model_sent=gpt-4o-mini"),
        *("upstream=openai", "shape=completions", "endpoint=chat", "resolved_by=id"),
        *("attempts=1", "status=200", "outcome=success"),
        *("ms=500.000", "first_byte_ms=250.000", "input_tokens=5"),
    ]


@pytest.mark.parametrize("format_", ["json", "text"])
def test_the_first_byte_of_a_whole_reply_is_there_at_its_end(
    format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = 0.125
    whole = finished_now(
        Decision("openai", first_byte=seconds), "chat", Ending(Outcome.SUCCESS), 200, seconds
    )
    written = line(whole, capsys, format_).replace('"', "").replace(":", "=")
    assert "first_byte_ms=125.000" in written
    assert re.search(r"\bms=125\.000", written)


def test_what_is_not_known_is_null_or_absent(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = finished_now(Decision(), "other", Ending(Outcome.CLIENT_CLOSED), 0, 0.5)
    read = json.loads(line(unknown, capsys))
    assert (read["first_byte_ms"], read["input_tokens"], read["output_tokens"]) == (None,) * 3
    written = line(unknown, capsys, "text")
    assert "tokens" not in written
    assert "first_byte" not in written
    assert "output_tokens=7" in line(record(tokens=(None, 7)), capsys, "text")


def test_the_reason_of_a_failure_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    ending = Ending(Outcome.UPSTREAM_ERROR, Reason.DNS, message="sk-secret")
    failed = finished_now(Decision("openai"), "chat", ending, 502, 0.5)
    for format_ in ("json", "text"):
        written = line(failed, capsys, format_)
        assert "dns" in written
        assert "secret" not in written


def test_nothing_of_a_client_breaks_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = record(model_asked=NASTY, translation=NASTY)
    assert json.loads(line(nasty, capsys))["model_asked"] == NASTY
    written = line(nasty, capsys, "text")
    assert written.isascii()
    assert written.strip().isprintable()
    assert r'model_asked="a\" b\\c\r\n\x1b[31m=\u202e\u2028\xe9" model_sent' in written


@dataclass
class Counting:
    written: list[str] = field(default_factory=list)

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)


def test_lines_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr("sys.stderr", counting)
    write(record(), record(model_asked="other"))
    (together,) = counting.written
    assert [json.loads(each)["model_asked"] for each in together.splitlines()] == ["fast", "other"]


def test_many_lines_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr("sys.stderr", counting)
    write(*[record()] * (MOST_WAITING + 1))
    assert [text.count("\n") for text in counting.written] == [MOST_WAITING, 1]


def test_few_lines_are_written_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        arrived = asyncio.get_running_loop().create_future()

        class Telling:
            def write(self, text: str) -> None:
                arrived.set_result(text)

        monkeypatch.setattr("sys.stderr", Telling())
        log = RequestLog(LogSettings(format="json"))
        for name in ("first", "second"):
            log.finished(record(model_asked=name))
        lines = (await arrived).splitlines()
        assert [json.loads(each)["model_asked"] for each in lines] == ["first", "second"]

    asyncio.run(scenario())


def test_a_flush_without_requests_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr("sys.stderr", counting)
    write()
    assert not counting.written


@dataclass
class Broken:
    error: Exception
    tried: int = 0

    def write(self, _: str) -> int:
        self.tried += 1
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("closed")])
def test_a_closed_log_fails_no_request(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(error)
    monkeypatch.setattr("sys.stderr", broken)
    write(record())
    assert broken.tried == 1


def test_the_documented_fields_are_those_of_a_line() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition("## The log of requests\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert documented == ALWAYS | {*FACTS, *MEASURED}
