"""Messages between processes."""

import socket

from gateway.server.processes.channel import Channel, pair


def test_messages_arrive_in_order_and_whole() -> None:
    one, other = pair()
    one.send(number=1, text="a\nb")
    one.send(number=2)
    assert other.receive() == [{"number": 1, "text": "a\nb"}, {"number": 2}]
    other.send(number=3)
    assert one.receive() == [{"number": 3}]
    one.close()
    other.close()


def test_a_part_of_a_message_waits_for_the_rest() -> None:
    raw, end = socket.socketpair()
    channel = Channel(end)
    raw.sendall(b'{"a"')
    assert channel.receive() == []
    raw.sendall(b":1}\n{")
    assert channel.receive() == [{"a": 1}]
    assert not channel.ended
    raw.close()
    channel.close()


def test_a_channel_ends_with_the_other_process() -> None:
    one, other = pair()
    other.close()
    assert one.receive() == []
    assert one.ended
    one.send(hello=1)
    one.close()
    assert one.receive() == []


def test_a_message_that_nobody_takes_ends_the_channel() -> None:
    one, other = pair()
    other.close()
    one.send(hello=1)
    assert one.ended
    one.close()
