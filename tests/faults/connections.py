"""Faults of the connection: before it is there, before a reply, and on one that was used before."""

from tests.faults.fault import Ends, Fault, same
from tests.faults.outcomes import AnyOf, HttpError, Relayed
from tests.faults.script import Close, Pause, Reset, Script, Stall, head

_NOTHING = same(Script(()))


def _before(name: str, ends: Ends = Ends.UNANSWERED) -> Fault:
    """Return a fault that a listener of its own plays before it has read a request."""
    return Fault(name, ends, _NOTHING, upstream=name)


CONNECTIONS = (
    _before("refusing", Ends.UNREACHABLE),
    _before("black-hole", Ends.UNREACHABLE),
    _before("closing"),
    _before("resetting"),
    _before("half-closing"),
    _before("silent", Ends.SILENT),
    _before("banner"),
    Fault(
        # A server that gives up an idle connection in the moment in which it is used.
        "early",
        Ends.REFUSED,
        same(Script((), 408)),
        upstream="early",
        but={
            ("passed", ""): AnyOf((Relayed(), HttpError((502,)))),
            ("translated", ""): HttpError((408, 502)),
        },
    ),
    _before("tls-plain", Ends.UNREACHABLE),
    _before("tls-garbage", Ends.UNREACHABLE),
    _before("tls-closing", Ends.UNREACHABLE),
    _before("tls-resetting", Ends.UNREACHABLE),
    _before("tls-silent", Ends.UNREACHABLE),
    Fault("unanswered-close", Ends.UNANSWERED, same(Script((Close(),)))),
    Fault("unanswered-close-late", Ends.UNANSWERED, same(Script((Pause(0.5), Close())))),
    Fault("unanswered-reset", Ends.UNANSWERED, same(Script((Reset(),)))),
    Fault("unanswered-silence", Ends.SILENT, same(Script((Stall(),)))),
    # The connection was reused; the request is delivered, so it must not be sent again.
    *(
        Fault(name, ends, same(script), upstream=name, warm=True)
        for name, ends, script in (
            ("used-close", Ends.UNANSWERED, Script((Close(),))),
            ("used-close-late", Ends.UNANSWERED, Script((Pause(0.2), Close()))),
            ("used-reset", Ends.UNANSWERED, Script((Reset(),))),
            ("used-half-a-head", Ends.UNANSWERED, Script((head()[:30], Close()))),
            ("used-bad-head", Ends.UNANSWERED, Script((b"SSH-2.0-OpenSSH_9.9\r\n\r\n",))),
        )
    ),
)
