"""A rewritten form can be read in one way only, whatever the parser."""

import asyncio
import email.message
import email.parser
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.exchange.restricted.forms import FieldCheck, form_of, rewritten
from gateway.exchange.restricted.named_models import Reading
from tests.exchange.restricted.test_named_models import judge

TYPE = b"multipart/form-data; boundary=b"


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def anew(body: bytes, size: int = 7, content_type: bytes = TYPE) -> tuple[bytes, bytes]:
    """Return a form as it is rewritten, and its boundary."""

    async def scenario() -> tuple[bytes, bytes]:
        form = form_of(content_type)
        fields = FieldCheck(Reading(judge))
        pieces = rewritten(form, in_pieces(body, size), fields)
        return b"".join([piece async for piece in pieces]), form.own_boundary

    return asyncio.run(scenario())


# --- parsers of upstreams ------------------------------------------------------------------------


def by_splitting(body: bytes, boundary: bytes) -> list[tuple[str, bytes]]:
    """Tornado's way: the boundary counts wherever it stands."""
    found = []
    for part in body.split(b"--" + boundary)[1:]:
        head, separator, value = part.partition(b"\r\n\r\n")
        name = re.search(rb"name=[\"']?([^\"';\r\n]*)", head, re.IGNORECASE)
        if separator and name:
            found.append((name[1].decode("utf-8", "replace"), value.removesuffix(b"\r\n")))
    return found


def by_email(body: bytes, boundary: bytes) -> list[tuple[str, bytes]]:
    """The standard library's: lines may end in any way, names may be encoded or folded."""
    head = b'Content-Type: multipart/form-data; boundary="%b"\r\n\r\n' % boundary
    message = email.parser.BytesParser().parsebytes(head + body)
    found = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, tuple):
            name = name[2]
        payload = part.get_payload(decode=True)
        if name is not None and isinstance(payload, bytes):
            found.append((name, payload))
    return found


PARSERS = (by_splitting, by_email)


def models_in(body: bytes, boundary: bytes) -> set[bytes]:
    return {
        value.strip()
        for parser in PARSERS
        for name, value in parser(body, boundary)
        if name.strip(" '\"").casefold().replace("\\", "").startswith("model")
    }


def part(disposition: str, value: str, *lines: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in lines)
    text = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n{head}\r\n{value}\r\n"
    return text.encode()


EXAMPLES = settings().max_examples
FRAGMENTS = st.sampled_from(
    [
        *(
            b"--b\r\n",
            b"--b--\r\n",
            b"--b\n",
            b"--b",
            b"\r\n",
            b"\n",
            b"\r\n\r\n",
            b"\n\n",
            b"--b--",
        ),
        *(b"Content-Disposition: form-data; ", b"content-disposition:form-data;", b"X: y\r\n"),
        *(b'name="model"', b"name=model", b"name='model'", b'name="Model"', b"name*=utf-8''model"),
        *(b'name="file"; filename="f"', b"; ", b'name="x"', b'name="m\\odel"', b'filename="f"'),
        *(b"bad", b"ok", b"--", b"Content-Type: text/plain\r\n", b'name="models"', b'["ok","bad"]'),
        *(part('name="model"', "ok"), part('name="model"', "bad"), part('name="x"', "bad")),
        *(part('name="f"; filename="f"', "bad"), b"--b--\r\n", part("name=model", "ok")),
    ]
)

DISPOSITIONS = st.sampled_from(
    [
        *('name="model"', "name=model", 'name="x"', 'name="f"; filename="f"', 'name="models"'),
        *("filename=\"name='model'\"; name=f", "name=\"f\"; filename*=utf-8''a%0D%0Aname=model"),
        *('name="f"; filename="; name=\\"model\\""', "name='model'", 'name="input[0][text]"'),
    ]
)
CONTENT = st.lists(FRAGMENTS, max_size=4).map(lambda each: b"".join(each).decode())
PARTS = st.lists(
    st.builds(part, DISPOSITIONS, st.one_of(st.just("ok"), CONTENT)).filter(
        lambda each: b"\r\n--b" not in each[3:]
    ),
    max_size=5,
)


@settings(max_examples=5 * EXAMPLES)
@given(
    st.one_of(PARTS, PARTS, st.lists(FRAGMENTS, max_size=12)),
    st.integers(1, 40),
)
def test_whatever_a_parser_could_read_is_judged(fragments: list[bytes], size: int) -> None:
    for body in (b"".join(fragments), b"".join([*fragments, b"--b--\r\n"])):
        try:
            written, boundary = anew(body, size)
        except GatewayError as error:
            if error.status not in (400, 403):
                raise
            continue
        read = models_in(written, boundary)
        assert all(model.startswith(b"ok") or not model for model in read), body


@settings(max_examples=2 * EXAMPLES)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["purpose", "prompt", "image[]", "tools[0][type]"]),
            st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40),
            st.booleans(),
        ),
        max_size=5,
    ),
    st.integers(1, 50),
)
def test_an_honest_form_keeps_its_names_and_values(
    given_parts: list[tuple[str, str, bool]], size: int
) -> None:
    given_parts = [each for each in given_parts if "--b" not in each[1]]
    body = b"".join(
        part(f'name="{name}"' + ('; filename="a.png"' if is_file else ""), value)
        for name, value, is_file in given_parts
    )
    written, boundary = anew(body + b"--b--\r\n", size)
    expected = [(name, value.encode()) for name, value, _ in given_parts]
    assert by_splitting(written, boundary) == expected


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_form_is_written_plainly(size: int) -> None:
    body = (
        part("name=model", "ok", "content-length: 2")
        + part(
            "filename*=UTF-8''na%C3%AFve.wav; name=\"file\"", "\r\n--a", "Content-Type: audio/wav"
        )
        + part('name="prompt"', "{not json", "Content-Type: text/plain; charset=UTF-8")
        + part('name="empty"', "")
        + b"--b--"
    )
    for given_body in (body, b"\r\n" + body, body + b"\r\n"):
        written, boundary = anew(given_body, size)
        head = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="'
        assert written == (
            head + b'model"\r\n\r\nok\r\n'
            + head + 'file"; filename="naïve.wav"\r\nContent-Type: audio/wav\r\n\r\n'.encode()
            + b"\r\n--a\r\n"
            + head + b'prompt"\r\n\r\n{not json\r\n'
            + head + b'empty"\r\n\r\n\r\n'
            + b"--" + boundary + b"--\r\n"
        )  # fmt: skip


@pytest.mark.parametrize(
    "content_type",
    [
        b'multipart/form-data; boundary="a b=c"',
        b"Multipart/Form-Data;boundary=----WebKitFormBoundaryabc123",
        b"multipart/form-data; charset=utf-8; boundary=x",
        b"multipart/form-data; boundary==_Part_1",
        b"multipart/form-data; boundary=x;",
    ],
)
def test_boundaries_that_clients_send(content_type: bytes) -> None:
    boundary = form_of(content_type).boundary
    assert boundary in content_type
    body = part('name="x"', "1").replace(b"--b", b"--" + boundary) + b"--%b--\r\n" % boundary
    assert b"\r\n\r\n1\r\n" in anew(body, 3, content_type)[0]


@pytest.mark.parametrize(
    "body",
    [
        part('name="x"', "y" * 1_100_000) + b"--b--\r\n",
        b"--b\r\n" + b"X: " + b"y" * 9_000,
        b"--b\r\nX:" + b" " * 8_000 + b"\0\r\n\r\n",
        part('name="x"; filename="f"', "y") + b"--b--" + b"\r\n" * 9_000,
        part('name="x"', "y"),
        b"",
    ],
)
def test_forms_have_limits_and_an_end(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        anew(body, 4_000)


END = b"--b--\r\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (part('name="x"', "y").replace(b"y", b"\xff") + END, "'x' is not UTF-8"),
        (part('name="session"', "ok") + END, "'session' is not a JSON object"),
        (b"x" + part('name="x"', "y") + END, "must begin with its boundary"),
        (part('name="x"', "y") + b"--b \r\n", "must end its line"),
        (part('name="x"', "1\r\n--bc") + END, "must end its line"),
        (part('name="x"', "y") + END + b"y", "something follows"),
    ],
)
def test_a_form_that_parsers_read_differently_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as refused:
        anew(body)
    assert refused.value.code == "invalid_form"


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        (b"multipart/form-data; boundary=b; boundary=c", "two of 'boundary'"),
        (b"multipart/form-data; boundary=b; Boundary=b", "two of 'Boundary'"),
        (b"multipart/form-data", "must be `multipart/form-data; boundary=…`"),
        (b"multipart/form-data; boundary=b; x=y", "and nothing else"),
        (b'multipart/form-data; boundary="b "', "and nothing else"),
        (b"multipart/mixed; boundary=b", "and nothing else"),
        (b"multipart/form-data; boundary=" + b"b" * 71, "and nothing else"),
    ],
)
def test_a_form_is_announced_in_one_way(content_type: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as refused:
        form_of(content_type)
    assert refused.value.code == "invalid_form"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ([("Model", "ok")], "model"),
        ([("model[]", "ok")], "model"),
        ([("model", "ok"), ("model", "ok")], "model"),
        ([("session", "{}"), ("session", "{}")], "session"),
        ([("session[a]", "{}")], "session"),
        ([("x", '{"a": {"b": 1, "B": 1}}')], "x.a.B"),
    ],
)
def test_a_field_that_counts_stands_there_once(fields: list[tuple[str, str]], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        anew(b"".join(part(f'name="{name}"', value) for name, value in fields) + END)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", '{"model": "bad"}'),
        ("x", ' [{"judge_model": "bad"}]'),
        ("models", '["ok", "bad"]'),
        ("extra[fallbacks]", '{"ok": ["bad"]}'),
        ("session", '{"audio": {"input": {"transcription": {"model": "bad"}}}}'),
        ("model", "ok, bad"),
        ("engine", "bad"),
    ],
)
def test_what_a_field_names_is_judged(name: str, value: str) -> None:
    with pytest.raises(PermissionDenied, match="bad at "):
        anew(part(f'name="{name}"', value) + END)
    assert b"ok" in anew(part(f'name="{name}"', value.replace("bad", "ok")) + END)[0]


@pytest.mark.parametrize("name", ["session", "models", "a[fallbacks]"])
def test_a_field_that_names_models_is_sound_json(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        anew(part(f'name="{name}"', '{"ok"') + END)
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("value", ["{not json", "[laughs] Hello", '{"model": "bad"'])
def test_another_field_may_look_like_json_by_chance(value: str) -> None:
    assert value.encode() in anew(part('name="x"', value) + END)[0]


def test_free_text_may_hold_what_names_models_elsewhere() -> None:
    text = '{"model": "bad"}'
    assert text.encode() in anew(part('name="prompt"', text) + END)[0]
