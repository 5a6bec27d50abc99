"""The states of a client connection."""

from enum import Enum


class State(Enum):
    """Where a connection stands.

    ```
    state      what is under way               goes to      when
    ---------  ------------------------------  -----------  ------------------------------------
    IDLE       nothing                         HEAD         a byte comes
                                               CLOSING      IDLE_TIMEOUT; a first head is late
    HEAD       a head is incomplete            BODY         it is complete, its body is not
                                               SERVING      both are
                                               CLOSING      HEAD_TIMEOUT
    BODY       a body still arrives: held, or  SERVING      it is complete
               served, or refused and thrown   LINGERING    the reply ends before it does
               away
    SERVING    the request is here, its reply  IDLE         the reply is written
               is not                          LINGERING    it was the last, and more has come
                                               CLOSING      it was the last, or is incomplete
    LINGERING  the last reply is written; what CLOSING      the client ends its side,
               still comes is thrown away                   LINGER_SECONDS, LINGER_BYTES
    CLOSING    the client reads what is left   CLOSED       it has, or send_timeout
    CLOSED     nothing, ever again
    ```

    A head that is malformed goes by BODY to LINGERING: what follows it is thrown away. From every
    state CLOSED follows when the client leaves, or when it reads nothing of what it was sent for
    `send_timeout`.
    """

    IDLE = "idle"
    HEAD = "reading head"
    BODY = "reading body"
    SERVING = "serving"
    LINGERING = "lingering"
    CLOSING = "closing"
    CLOSED = "closed"
