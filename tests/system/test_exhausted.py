"""What the gateway's own process has run out of is known by the failure."""

import errno
import os

import pytest

from gateway.system.exhausted import lacking


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_what_is_lacking_is_named_without_the_place(number: int) -> None:
    words = os.strerror(number)
    assert lacking(OSError(number, words, "/srv/secret")) == words
    assert lacking(ImportError(f"/srv/x.so: cannot open shared object file: {words}")) == words


@pytest.mark.parametrize(
    "failure",
    [
        *(OSError(errno.ENOENT, "no such file"), OSError("no number"), ValueError(errno.EMFILE)),
        *(ImportError("no module named x"), KeyError("x")),
    ],
)
def test_other_failures_lack_nothing(failure: Exception) -> None:
    assert lacking(failure) is None
