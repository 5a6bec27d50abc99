"""A gateway that has nothing left for a connection says so, and blames no upstream."""

import errno
import os
import socket
from typing import Any

import pytest

from gateway.errors import Reason
from gateway.upstream.health import Health
from gateway.upstream.transport.exhaustion import exhaustion


def none_left(*_: Any, **__: Any) -> socket.socket:
    raise OSError(errno.EMFILE, "too many open files")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_what_the_gateway_lacks_is_named_and_to_be_retried(number: int) -> None:
    error = exhaustion("local", OSError(number, "to 10.0.0.1"))
    assert error is not None
    assert (error.reason, error.status, error.code) == (
        Reason.EXHAUSTED,
        503,
        "upstream_unavailable",
    )
    assert error.headers == (("retry-after", "1"), ("connection", "close"))
    assert os.strerror(number) in error.message
    assert "ulimit -n" in error.message
    assert "10.0.0.1" not in error.message


@pytest.mark.parametrize(
    "failure",
    [ConnectionRefusedError(errno.ECONNREFUSED, ""), OSError("no number"), KeyError("x")],
)
def test_other_failures_are_not_the_gateways(failure: BaseException) -> None:
    assert exhaustion("local", failure) is None


def test_a_name_is_not_resolved_without_a_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert exhaustion("local", failure) is None
    monkeypatch.setattr(socket, "socket", none_left)
    error = exhaustion("local", failure)
    assert error is not None
    assert error.reason is Reason.EXHAUSTED


def test_no_address_is_left_out_for_it() -> None:
    health = Health("http://10.0.0.1/v1")
    health.failed(Reason.EXHAUSTED)
    assert health.up
    assert health.failures == 0
