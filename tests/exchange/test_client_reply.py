"""The replies that the gateway writes."""

from gateway.exchange.client_reply import event_stream_reply, json_reply


def test_json_says_what_it_is_and_how_long() -> None:
    reply = json_reply(b'{"a":1}', 404, [(b"x-request-id", b"r")])
    assert (reply.status, reply.body) == (404, b'{"a":1}')
    assert reply.headers == [
        (b"content-type", b"application/json"),
        (b"content-length", b"7"),
        (b"x-request-id", b"r"),
    ]


def test_an_event_stream_is_neither_cached_nor_buffered() -> None:
    reply = event_stream_reply(b"data: 1\n\n", [(b"x-request-id", b"r")])
    assert (reply.status, reply.body) == (200, b"data: 1\n\n")
    assert reply.headers == [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
        (b"x-request-id", b"r"),
    ]
