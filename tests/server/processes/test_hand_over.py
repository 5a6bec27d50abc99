"""What one program hands to the next; tests/changing/test_hand_over.py has real ones."""

import errno
import json
import logging
import os
import socket
import sys

import pytest

from gateway.server.processes.hand_over import VARIABLE, HandOver, inherited


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_without_a_predecessor_there_is_nothing() -> None:
    found = inherited({})
    found.serves()
    assert found.sockets == {}
    assert found.pipe is None


def test_sockets_are_found_by_the_name_and_address_of_their_listener() -> None:
    with listening() as own:
        reading, writing = os.pipe()
        copy = os.dup(own.fileno())
        handed = {"sockets": [["gateway", "h", 0, copy]], "pipe": writing}
        environ = {VARIABLE: json.dumps(handed)}
        found = inherited(environ)
        assert environ == {}
        with found.sockets["gateway", "h", 0] as taken:
            assert taken.getsockname() == own.getsockname()
        found.serves()
        assert os.read(reading, 2) == b"1"
        os.close(reading)
        found.serves()
        os.close(writing)


CHILD = f"""
import json, os
handed = json.loads(os.environ[{VARIABLE!r}])
assert os.fstat(handed["sockets"][0][3])
"""


@pytest.mark.parametrize(
    ("ending", "serves"), [("os.write(handed['pipe'], b'1')", True), ("raise SystemExit(1)", False)]
)
def test_the_new_program_gets_the_sockets_and_says_whether_it_serves(
    ending: str, serves: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", CHILD + ending])
    with listening() as own:
        hand_over = HandOver([("gateway", "h", 0)], [own])
        hand_over.begin()
        hand_over.begin()
        assert "already been started" in caplog.text
        assert hand_over.ended() is serves
        assert not hand_over.is_waiting
        assert not os.get_inheritable(own.fileno())
        if serves:
            os.wait()
            hand_over.begin()
            assert not hand_over.is_waiting
            assert "has stopped listening" in caplog.text


def test_a_program_that_cannot_be_started_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    hand_over = HandOver((), ())
    hand_over.begin()
    assert not hand_over.is_waiting
    assert "could not be started: No such file" in caplog.text


def test_who_has_stopped_listening_has_nothing_to_hand_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with listening() as own, listening() as closed:
        closed.close()
        hand_over = HandOver([("gateway", "h", 0), ("admin", "h", 0)], [own, closed])
        hand_over.begin()
        assert not hand_over.is_waiting
        assert "has stopped listening" in caplog.text


def test_without_a_descriptor_for_the_pipe_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def exhausted() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pipe", exhausted)
    hand_over = HandOver((), ())
    hand_over.begin()
    assert not hand_over.is_waiting
    assert "could not be started: Too many open files" in caplog.text
