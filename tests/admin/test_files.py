"""The files of the admin page: whole, small, and without anything from elsewhere."""

import asyncio
import re
from typing import Any

import pytest

from gateway.admin.files import PROTECTING, TYPES, Protected, file
from gateway.observe.outcomes import Outcome
from gateway.shapes import Shape


@pytest.mark.parametrize("name", TYPES)
def test_each_file_is_in_the_package(name: str) -> None:
    reply = file(name)
    assert reply.headers["content-type"] == TYPES[name]
    assert 0 < len(reply.body) < 32 * 1024


def test_other_names_are_not_files() -> None:
    with pytest.raises(KeyError):
        file("../files.py")


@pytest.mark.parametrize("name", TYPES)
def test_nothing_comes_from_another_address(name: str) -> None:
    text = bytes(file(name).body).decode()
    assert re.findall(r"(?:https?:)?//[a-z]", text.replace("http://www.w3.org/2000/svg", "")) == []


@pytest.mark.parametrize("name", ["index.html", "login.html"])
def test_pages_have_no_inline_script_and_style(name: str) -> None:
    text = bytes(file(name).body).decode()
    assert re.findall(r"\son\w+=|\sstyle=|<style|javascript:", text) == []
    assert re.findall(r"<script(?! src=)", text) == []


def test_the_script_writes_no_markup() -> None:
    script = bytes(file("page.js").body).decode()
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", script) == []
    )


def test_the_page_knows_every_outcome_and_shape() -> None:
    page, script = (bytes(file(name).body).decode() for name in ("index.html", "page.js"))
    offered = page[page.index('<select name="outcome">') :].partition("</select>")[0]
    assert re.findall(r"<option>(\w+)", offered) == [outcome.value for outcome in Outcome]
    tones = script[script.index("const TONES") :].partition("};")[0]
    assert set(re.findall(r"(\w+): \"", tones)) == set(Outcome)
    for name in ("resolve-form", "translate-form"):
        offered = page[page.index(f'id="{name}"') :].partition("</select>")[0]
        assert set(re.findall(r"<option>(\w+)", offered)) == set(Shape)


def test_every_reply_has_the_protecting_fields() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"x"})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> None:
        raise AssertionError

    asyncio.run(Protected(app)({"type": "http"}, receive, send))
    names = {name.decode() for name, _ in sent[0]["headers"]}
    assert names == {"a", *PROTECTING}
    assert sent[1] == {"type": "http.response.body", "body": b"x"}
