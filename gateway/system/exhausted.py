"""What the gateway's own process or machine has run out of: file descriptors, memory."""

import errno
import os
from typing import Final

_LACKING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

ADVICE: Final = (
    "Try again later; its operator may have to raise its limit of open files (ulimit -n)."
)
REPLY_FIELDS: Final = (("retry-after", "1"), ("connection", "close"))
"""Fields of such a reply. The client's connection has the descriptor that its next try needs."""


def lacking(failure: BaseException) -> str | None:
    """Return what a failure says is lacking, in the system's words; None: it says nothing of it.

    An `ImportError` does where a module that is loaded lazily is a shared library.
    """
    if isinstance(failure, OSError) and failure.errno in _LACKING:
        return os.strerror(failure.errno)
    if isinstance(failure, ImportError):
        words = map(os.strerror, sorted(_LACKING))
        return next((each for each in words if each in str(failure)), None)
    return None
