"""Decides whether a request that got no reply may be sent once more.

A server may close a connection that is idle at the very moment at which a request is written to it
(RFC 9112 section 9.3.1). To repeat a request that may have been received is another matter: a
generation is paid twice, and one that crashes the server does so twice. RFC 9110 section 9.2.2
allows a repetition where the method is idempotent, or where there is "some means to detect that the
original request was never applied".

That means is the upstream's own acknowledgement. Every TCP segment, the FIN too, acknowledges all
that its sender had received by then (RFC 9293 section 3.4). Where the FIN came and acknowledged
nothing of the request, the upstream had ended its side before it had any of the request, and no
reply could ever come. A reset proves nothing: it is not taken for an acknowledgement, and a server
that has read the request can send one too.
"""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1), so that they may be sent twice."""


def may_be_sent_again(method: str, size: int, unacknowledged: int) -> bool:
    """Whether a request of `size` bytes, on a reused connection that ended unanswered, may be.

    `unacknowledged` is how many bytes the upstream had not received when it closed the connection
    in order; 0 if it did not, or if that is not known. Under TLS these are encrypted bytes, which
    exceed `size` by the overhead of the records (22 to 29 bytes for each 16 KiB). So a thousandth
    of the request could have been received, but never its end.
    """
    return method in SAFE_METHODS or unacknowledged >= size
