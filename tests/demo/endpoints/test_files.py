import hashlib
from typing import Any

import pytest

from gateway.demo import emulator
from gateway.demo.endpoints.files import PATTERN
from tests.demo.client import Reply, ask

APP = emulator.build()
TYPE = {"content-type": "multipart/form-data; boundary=b"}


def form(**fields: bytes) -> bytes:
    parts = [
        b'--b\r\ncontent-disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
        % (name.encode(), b'; filename="a.bin"' if name == "file" else b"", value)
        for name, value in fields.items()
    ]
    return b"".join(parts) + b"--b--\r\n"


def upload(*chunks: bytes, app: Any = APP) -> Reply:
    return ask(app, "POST", "/v1/files", chunks=list(chunks), headers=TYPE)


def test_an_upload_is_counted_and_hashed_however_it_arrives() -> None:
    content = bytes(range(256)) * 20
    body = form(purpose=b"batch", file=content)
    whole = upload(body).json()
    assert whole["bytes"] == len(content)
    assert whole["sha256"] == hashlib.sha256(content).hexdigest()
    assert (whole["filename"], whole["purpose"]) == ("a.bin", "batch")
    assert upload(*(body[n : n + 1] for n in range(len(body)))).json() == whole


def test_an_uploads_size_is_in_the_journal_but_not_its_content() -> None:
    app = emulator.build()
    body = form(purpose=b"batch", file=b"x" * 1000)
    upload(body, app=app)
    assert (app.journal[0].body, app.journal[0].body_size) == (b"", len(body))


def test_a_file_can_be_asked_for_listed_and_deleted() -> None:
    app = emulator.build()
    record = upload(form(file=b"x", purpose=b"batch"), app=app).json()
    path = f"/v1/files/{record['id']}"
    assert ask(app, "GET", path).json() == record
    assert ask(app, "GET", "/v1/files").json()["data"] == [record]
    assert ask(app, "DELETE", path).json() == {
        "id": record["id"],
        "object": "file",
        "deleted": True,
    }
    missing = (404, f"No such File object: {record['id']}", "id", None)
    assert ask(app, "GET", path).error() == missing
    assert ask(app, "DELETE", path).error() == missing


@pytest.mark.parametrize("absent", ["file", "purpose"])
def test_file_and_purpose_are_required(absent: str) -> None:
    fields = {"file": b"x", "purpose": b"batch"}
    del fields[absent]
    assert upload(form(**fields)).error()[2:] == (absent, "missing_required_parameter")


def test_a_field_that_is_not_a_file_must_be_short() -> None:
    assert "too long" in upload(form(purpose=b"x" * 100_000)).error()[1]


def test_a_body_that_is_not_a_form_is_refused() -> None:
    assert ask(APP, "POST", "/v1/files", {"a": 1}).status == 400


def test_old_records_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.demo.endpoints.files._MOST_FILES", 2)
    app = emulator.build()
    for content in (b"1", b"2", b"3"):
        upload(form(file=content, purpose=b"batch"), app=app)
    kept = [record["sha256"] for record in ask(app, "GET", "/v1/files").json()["data"]]
    assert kept == [hashlib.sha256(content).hexdigest() for content in (b"2", b"3")]


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_000])
def test_a_download_is_as_long_as_its_name_says(size: int) -> None:
    reply = ask(APP, "GET", f"/v1/files/file-{size}bytes/content")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert int(reply.headers["content-length"]) == len(reply.body) == size
    assert reply.body == (PATTERN * 4)[:size]
    assert reply.complete


def test_other_contents_do_not_exist() -> None:
    assert ask(APP, "GET", "/v1/files/file-abc/content").status == 404


def test_a_purpose_must_be_one_of_openais() -> None:
    status, message, _, _ = upload(form(file=b"x", purpose=b"fun")).error()
    assert status == 400
    assert message.startswith("'fun' is not one of ['fine-tune', 'assistants'")
