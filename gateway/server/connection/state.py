"""The states of a client connection."""

from enum import Enum


class State(Enum):
    """The state of a connection.

    ```
    state        meaning                          next         when
    -----------  -------------------------------  -----------  ---------------------------------
    IDLE         no request                       HEAD         a byte arrives
                                                  CLOSING      IDLE_TIMEOUT, or HEAD_TIMEOUT
                                                               before the first request
    HEAD         a head is incomplete             BODY         the head is complete, not the body
                                                  SERVING      both are complete
                                                  CLOSING      HEAD_TIMEOUT
    BODY         a body still arrives: buffered,  SERVING      the body is complete
                 streamed, or discarded           HALF_CLOSED  the reply ends before the body
    SERVING      the request is complete, its     IDLE         the reply is written
                 reply is not                     HALF_CLOSED  it was the last, and more arrived
                                                  CLOSING      it was the last, or is incomplete
                                                  SOCKET       it was the 101 of a handshake
    SOCKET       a WebSocket is open, or its      CLOSING      both sides have ended it
                 closing handshake is going on    HALF_CLOSED  the client broke the protocol
    HALF_CLOSED  the last reply is written;       CLOSING      the client closes its side, or
                 further bytes are discarded                   HALF_CLOSED_SECONDS or _BYTES
    CLOSING      the client reads the last bytes  CLOSED       it has read them (and agreed, with
                                                               TLS: SHUTDOWN_SECONDS), or
                                                               send_timeout
    CLOSED       final
    ```

    A malformed head leads through BODY to HALF_CLOSED, and what follows it is discarded. Every
    state leads to CLOSED when the client disconnects, or reads nothing for `send_timeout`.
    """

    IDLE = "idle"
    HEAD = "reading head"
    BODY = "reading body"
    SERVING = "serving"
    SOCKET = "serving a socket"
    HALF_CLOSED = "half-closed"
    CLOSING = "closing"
    CLOSED = "closed"
