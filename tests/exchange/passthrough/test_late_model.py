"""A form's model is found wherever it stands: in pieces of any size, and in a field only."""

import asyncio
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.passthrough.body_model import form_model
from gateway.exchange.passthrough.late_model import late_model, read_to_model
from gateway.exchange.passthrough.request_body import READ_AHEAD_BYTES, Ahead, read_body
from tests.exchange.passthrough.test_request_body import arriving

TYPE = b"multipart/form-data; boundary=b"
LIMIT = 1_000_000
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n'
MODEL = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n'
END = b"--b--\r\n"


def read(form: bytes, size: int, limit: int = LIMIT, content_type: bytes = TYPE) -> Ahead:
    """Read a form that arrives in pieces of a size; its first two have come."""
    pieces = [form[at : at + size] for at in range(0, len(form), size)]

    async def scenario() -> Ahead:
        ahead = await read_to_model(
            b"".join(pieces[:2]), arriving(*pieces[2:]), content_type, limit
        )
        assert await read_body(ahead.again(), 10**9) == form
        return ahead

    return asyncio.run(scenario())


@given(
    st.integers(1, 200),
    st.binary(max_size=300),
    st.sampled_from([b"m", b"ft:gpt:x", b"m" * 512]),
    st.sampled_from([b"", FILE % b"more"]),
)
def test_a_model_is_found_behind_a_file(
    size: int, content: bytes, model: bytes, more: bytes
) -> None:
    ahead = read(FILE % content.replace(b"--b", b"") + MODEL % model + more + END, size)
    assert form_model(ahead.named) == model.decode()
    assert ahead.named.startswith(MODEL.partition(b"%")[0])
    assert not ahead.is_cut


@pytest.mark.parametrize("size", [7, 100, 70_000])
@pytest.mark.parametrize(
    "content",
    [
        b"x" * 200_000,
        b"x--b\r\n" * 20_000,
        MODEL[:-2] % b"in-a-file" + b"x" * 9_000,
        b"--b\r\nContent-Disposition: form-data; name=" + b"x" * 9_000 + b"\r\n",
        MODEL.replace(b"--b", b"--c") % b"of-another" + b"x" * 100_000,
    ],
)
def test_what_looks_like_a_model_in_a_file_is_none(content: bytes, size: int) -> None:
    ahead = read(FILE % (b"y" + content) + MODEL % b"m" + END, size)
    assert ahead.named.startswith(MODEL % b"m")


@pytest.mark.parametrize("value", [b"", b"m" * 513])
def test_a_field_without_a_name_of_a_model_is_none(value: bytes) -> None:
    ahead = read(FILE % b"x" + MODEL % value + END, 50)
    assert (ahead.before, ahead.after[-len(END) :], ahead.is_cut) == (b"", END, False)


def test_without_a_boundary_nothing_is_read() -> None:
    form = FILE % (b"x" * 1000) + MODEL % b"m"
    ahead = read(form, 50, content_type=b"multipart/form-data")
    assert (ahead.named, ahead.read) == (form[:100], 100)


def test_a_form_is_read_no_further_than_the_limit() -> None:
    form = FILE % (b"x" * 400_000) + MODEL % b"m" + END
    ahead = read(form, 50_000, limit=200_000)
    assert (ahead.is_cut, ahead.read) == (True, 200_000)
    assert ahead.named == form[:100_000]
    assert len(read(form, 300_000, limit=1).named) == 2 * READ_AHEAD_BYTES
    assert "first 5 bytes" in str(late_model(5))


def test_many_parts_take_linear_time() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'

    def seconds(parts: int) -> float:
        form = part * parts
        begun = perf_counter()
        read(form, 65_536, 10**8)
        return perf_counter() - begun

    seconds(1_000)
    assert seconds(40_000) < 40 * max(seconds(4_000), 0.004)


def test_nothing_is_read_behind_the_model() -> None:
    async def scenario() -> None:
        form, rest = MODEL % b"m" + FILE % (b"x" * 1000), arriving(b"more")
        ahead = await read_to_model(form, rest, TYPE, LIMIT)
        assert (ahead.before, ahead.named) == (b"", form)
        assert await anext(rest) == b"more"

    asyncio.run(scenario())
