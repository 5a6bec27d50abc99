"""The operators' listener as a whole: what there is, and who may see it."""

import pytest

from tests.admin.listener import TOKEN, Admin

GUARDED = (
    *("/metrics", "/live", "/requests", "/upstreams", "/learned", "/configuration"),
    "/resolve?model=m",
)


@pytest.mark.parametrize("path", GUARDED)
def test_with_a_token_nothing_is_open_without_it(path: str) -> None:
    admin = Admin(TOKEN)
    assert admin.get(path).status_code == 401
    assert admin.get(path, authorization="Bearer wrong").status_code == 401
    assert admin.get(path, authorization="Basic admin-token").status_code == 401
    assert admin.get(path, authorization="Bearer admin-token").status_code == 200
    assert admin.get(path, x_admin_token="admin-token").status_code == 200


@pytest.mark.parametrize("path", ["/forget", "/translate"])
def test_nothing_is_changed_or_asked_without_the_token(path: str) -> None:
    assert Admin(TOKEN).post(path, {}).status_code == 401


@pytest.mark.parametrize("path", [*GUARDED, "/", "/page/page.css", "/nothing"])
def test_every_reply_is_protected_and_kept_nowhere(path: str) -> None:
    for admin in (Admin(), Admin(TOKEN)):
        headers = admin.get(path, accept="text/html").headers
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_files_of_the_page_are_open_and_no_others() -> None:
    admin = Admin(TOKEN)
    assert admin.get("/page/page.css").headers["content-type"].startswith("text/css")
    assert admin.get("/page/icon.svg").status_code == 200
    for path in ("/page/nothing", "/page/..%2Fmetrics.py", "/page/__init__.py", "/nothing"):
        assert admin.get(path).status_code == 404


def test_methods_do_not_mix() -> None:
    admin = Admin()
    assert admin.get("/forget").status_code == 405
    assert admin.post("/requests", {}).status_code == 405


def test_programs_are_told_of_every_path() -> None:
    told = {path.partition("?")[0] for path in Admin().get("/").json()}
    assert told == {
        *("/", "/metrics", "/live", "/requests", "/upstreams", "/learned", "/configuration"),
        *("/resolve", "POST /translate", "POST /forget", "POST /reload"),
    }
