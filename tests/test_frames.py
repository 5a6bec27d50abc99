"""Frames are checked by their heads, however the bytes are cut."""

import random

import pytest
from websockets.frames import Frame, Opcode

from gateway.frames import (
    PROTOCOL_ERROR,
    TOO_BIG,
    WHOLE_BINARY,
    WHOLE_TEXT,
    FrameScanner,
    head,
    message_at,
    text_frame,
)

SIZES = [0, 1, 125, 126, 300, 65535, 65536, 70000]


def frame(opcode: int, content: bytes = b"", *, masked: bool = False, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), content, fin).serialize(mask=masked)


def scanner(
    *, masked: bool = False, limit: int | None = None, passes_pings: bool = False
) -> FrameScanner:
    return FrameScanner(masked=masked, limit=limit, passes_pings=passes_pings)


def taken(scanned: FrameScanner, data: bytes, step: int) -> tuple[bytes, list[bytes]]:
    out, controls = b"", []
    for at in range(0, len(data), step):
        out += scanned.take(data[at : at + step])
        controls += scanned.controls
    return out, controls


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000, 1 << 20])
def test_messages_pass_as_they_are_however_they_are_cut(step: int, masked: bool) -> None:
    sizes = SIZES if step > 3 else SIZES[:5]
    data = b"".join(frame(1, b"x" * size, masked=masked) for size in sizes)
    scanned = scanner(masked=masked)
    assert taken(scanned, data, step) == (data, [])
    assert not scanned.in_frame
    assert not scanned.in_message


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("step", [1, 2, 5, 64, 1 << 20])
def test_control_frames_are_taken_out_whole(step: int, masked: bool) -> None:
    kept = [
        frame(1, b"a" * 200, masked=masked),
        frame(1, b"b", fin=False, masked=masked),
        frame(0, b"c" * 130, fin=False, masked=masked),
        frame(0, b"d", masked=masked),
        frame(2, b"e", masked=masked),
    ]
    control = [frame(code, b"p" * 125, masked=masked) for code in (9, 10, 9, 8)]
    data = b"".join(
        [kept[0], control[0], kept[1], control[1], kept[2], control[2], *kept[3:], control[3]]
    )
    assert taken(scanner(masked=masked), data, step) == (b"".join(kept), control)


def test_pings_stay_where_they_are_if_they_are_passed_and_close_frames_never_do() -> None:
    ping, close = frame(9, b"p"), frame(8, b"\x03\xe8")
    scanned = scanner(passes_pings=True)
    assert scanned.take(ping + frame(1, b"x") + ping + close) == ping + frame(1, b"x") + ping
    assert scanned.controls == [close]
    assert scanned.take(frame(10)) == frame(10)
    assert scanned.controls == []


def test_a_long_ping_that_is_passed_need_not_be_here_as_a_whole() -> None:
    ping = frame(9, b"p" * 100)
    scanned = scanner(passes_pings=True)
    assert scanned.take(ping[:50]) == ping[:50]
    assert scanned.in_frame
    assert scanned.take(ping[50:] + frame(1)) == ping[50:] + frame(1)


def test_messages_are_found_in_what_is_passed_on() -> None:
    texts = [b"one", b"t" * 130, b"w" * 70000]
    one, two, three = (frame(1, text) for text in texts)
    last = frame(2, b"begun", fin=False) + frame(0, b"ended")
    scanned = scanner()
    passed = scanned.take(frame(9) + one + frame(9, b"x") + two + three + frame(10) + last)
    begins = scanned.begins
    found = [passed[at:to] for at, to in zip(begins, [*begins[1:], None], strict=True)]
    assert found == [one, two, three, last]
    assert scanned.boundary == len(passed)


def test_the_boundary_is_where_the_last_message_ends() -> None:
    scanned = scanner()
    whole, begun = frame(1, b"w" * 200), frame(1, b"b" * 300)
    scanned.take(whole + begun[:100])
    assert (scanned.boundary, scanned.in_frame, scanned.in_message) == (len(whole), True, True)
    scanned.take(begun[100:150])
    assert (scanned.boundary, scanned.in_frame) == (0, True)
    scanned.take(begun[150:] + frame(1, b"x", fin=False))
    assert (scanned.boundary, scanned.in_frame, scanned.in_message) == (154, False, True)
    scanned.take(frame(0, b"y", fin=False)[:2])
    assert scanned.boundary == 0
    last = frame(0, b"z" * 3)
    scanned.take(b"y" + last[:3])
    assert scanned.boundary == 0
    scanned.take(last[3:])
    assert (scanned.boundary, scanned.in_message) == (2, False)


def test_the_beginning_of_a_head_is_held_back() -> None:
    scanned = scanner()
    data = frame(1, b"x" * 65536)
    assert scanned.take(data[:1]) == b""
    assert scanned.take(data[1:9]) == b""
    assert scanned.take(data[9:11]) == data[:11]
    assert scanned.in_frame
    short = frame(1, b"y" * 200)
    assert scanned.take(data[11:] + short[:3]) == data[11:]
    assert scanned.take(short[3:]) == short


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1\x00",
        b"\xa1\x00",
        b"\x91\x00",
        b"\x83\x00",
        b"\x8b\x00",
        pytest.param(frame(1, b"x", masked=True), id="masked"),
        b"\x81\x7e\x00\x7d" + b"x" * 125,
        b"\x81\x7f" + (65535).to_bytes(8, "big"),
        b"\x89\x7e\x00\x7e" + b"x" * 126,
        b"\x09\x00",
        frame(0, b"x"),
        frame(1, b"x", fin=False) + frame(1, b"y"),
        frame(1, b"x", fin=False) + frame(2, b"y"),
        frame(1, b"x", fin=False) + frame(0, b"y") + frame(0, b"z"),
    ],
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_what_breaks_the_protocol_is_refused(data: bytes, step: int) -> None:
    scanned = scanner()
    taken(scanned, frame(1, b"before") + data, step)
    assert scanned.bad is not None
    assert scanned.bad[0] == PROTOCOL_ERROR
    assert not scanned.in_frame


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        b"\xc1\x00",
        b"\x83\x80",
        b"\x09\x80",
        b"\x80\x81",
        b"\x81\xff" + (1 << 62).to_bytes(8, "big"),
    ],
    ids=["reserved bit", "reserved opcode", "fragmented ping", "continuation", "too long"],
)
def test_what_came_whole_before_a_bad_frame_is_passed_on(bad: bytes, *, masked: bool) -> None:
    if not masked:
        bad = bytes((bad[0], bad[1] & 0x7F)) + bad[2:]
    first, ping = frame(1, b"f" * 300, masked=masked), frame(9, b"p", masked=masked)
    last = frame(1, b"a", fin=False, masked=masked) + frame(0, b"b", masked=masked)
    scanned = scanner(masked=masked, limit=1 << 20)
    assert scanned.take(first[:200]) == first[:200]
    passed = scanned.take(first[200:] + ping + last + bad + frame(1, b"behind", masked=masked))
    assert passed == first[200:] + last
    assert (scanned.controls, scanned.boundary) == ([ping], len(passed))
    assert scanned.bad is not None
    assert not scanned.in_frame


def test_frames_of_clients_must_be_masked() -> None:
    for masked, what in ((True, "a frame is not masked"), (False, "a frame is masked")):
        scanned = scanner(masked=masked)
        assert scanned.take(frame(1, b"x", masked=not masked)) == b""
        assert scanned.bad == (PROTOCOL_ERROR, what)


@pytest.mark.parametrize(
    "data",
    [
        frame(1, b"x" * 1001),
        frame(2, b"x" * 1001),
        b"\x81\x7f" + (1 << 63).to_bytes(8, "big"),
        frame(1, b"x" * 600, fin=False) + frame(0, b"x" * 401),
        frame(1, b"x" * 600, fin=False) + frame(0, b"x", fin=False) + frame(0, b"x" * 400),
    ],
)
def test_a_message_that_is_too_long_is_refused_by_its_head(data: bytes) -> None:
    scanned = scanner(limit=1000)
    scanned.take(frame(1, b"x" * 1000))
    scanned.take(data)
    assert scanned.bad == (TOO_BIG, "a message is longer than 1000 bytes")


def test_a_short_limit_holds_too() -> None:
    scanned = scanner(limit=10)
    assert scanned.take(frame(1, b"x" * 10) + frame(1, b"x" * 11)) == frame(1, b"x" * 10)
    assert scanned.bad == (TOO_BIG, "a message is longer than 10 bytes")


@pytest.mark.parametrize("seed", range(40))
def test_any_cuts_of_any_frames_give_the_same(seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - any frames will do
    masked, passes = drawn.random() < 0.5, drawn.random() < 0.5
    sent, expected, controls, begun = b"", b"", [], 0
    for _ in range(drawn.randrange(1, 12)):
        parts = drawn.randrange(1, 4)
        for part in range(parts):
            content = drawn.randbytes(drawn.choice(SIZES[:5]))
            data = frame(0 if part else 1, content, fin=part == parts - 1, masked=masked)
            sent, expected = sent + data, expected + data
            if drawn.random() < 0.4:
                code = drawn.choice([8, 9, 10])
                control = frame(code, drawn.randbytes(drawn.randrange(126)), masked=masked)
                sent += control
                if passes and code != 8:
                    expected += control
                else:
                    controls.append(control)
        begun += 1
    scanned = scanner(masked=masked, passes_pings=passes)
    out, found, messages = b"", list[bytes](), 0
    while sent:
        cut = drawn.choice([1, 2, 3, 5, 100, 700])
        out += scanned.take(sent[:cut])
        found += scanned.controls
        messages += len(scanned.begins)
        sent = sent[cut:]
    assert (out, found, messages) == (expected, controls, begun)
    assert not scanned.in_message


@pytest.mark.parametrize("size", SIZES)
def test_the_content_of_a_message_is_read_from_its_frames(size: int) -> None:
    content = b"x" * size
    data = frame(1, b"before") + frame(1, content) + frame(1, b"behind")
    assert message_at(data, 8) == content
    parts = frame(1, content, fin=False) + frame(0, b"y", fin=False) + frame(0, content)
    assert message_at(parts + frame(1, b"z"), 0) == content + b"y" + content


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
@pytest.mark.parametrize(("first", "opcode"), [(WHOLE_TEXT, 1), (WHOLE_BINARY, 2)])
def test_heads_are_those_of_the_package(size: int, first: int, opcode: int) -> None:
    content = b"x" * size
    assert head(size, first) + content == frame(opcode, content)
    assert text_frame(content) == frame(1, content)
