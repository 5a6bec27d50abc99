"""The way into the page: the token once, then a cookie."""

import pytest

from tests.admin.listener import TOKEN, Admin

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def test_programs_see_what_there_is_and_browsers_the_page() -> None:
    for admin in (Admin(), Admin(TOKEN)):
        assert "/metrics" in admin.get("/").json()
    assert 'id="section-requests"' in Admin().get("/", accept=BROWSER).text


def test_with_a_token_a_browser_is_asked_for_it() -> None:
    reply = Admin(TOKEN).get("/", accept=BROWSER)
    assert reply.status_code == 401
    assert 'action="login"' in reply.text
    assert "section-requests" not in reply.text


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address() -> None:
    admin = Admin(TOKEN)
    reply = admin.get("/?token=admin-token", accept=BROWSER)
    assert (reply.status_code, reply.headers["location"]) == (303, "./")
    assert "admin-token" not in reply.headers["set-cookie"].replace("gateway-admin-9090", "")
    cookie = reply.headers["set-cookie"].partition(";")[0]
    assert admin.get("/", accept=BROWSER, cookie=cookie).status_code == 200
    assert admin.get("/requests", cookie=cookie).status_code == 200


def test_a_wrong_token_opens_nothing() -> None:
    admin = Admin(TOKEN)
    for reply in (
        admin.get("/?token=wrong", accept=BROWSER),
        admin.get("/?token=", accept=BROWSER),
        admin.post("/login", b"token=wrong"),
        admin.post("/login", b""),
    ):
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers
        assert 'role="alert">Wrong token.' in reply.text
    asking = admin.get("/", accept=BROWSER)
    assert 'role="alert" hidden>' in asking.text


def test_the_form_takes_the_token() -> None:
    admin = Admin(TOKEN)
    reply = admin.post("/login", b"token=admin-token%0A", origin="http://127.0.0.1:9090")
    assert (reply.status_code, reply.headers["location"]) == (303, "./")
    cookie = reply.headers["set-cookie"].partition(";")[0]
    assert admin.get("/learned", cookie=cookie).status_code == 200


@pytest.mark.parametrize("token", [None, TOKEN])
def test_no_other_site_signs_a_browser_in(token: None) -> None:
    reply = Admin(token).post("/login", b"token=admin-token", origin="http://evil.example")
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


def test_without_a_token_one_in_the_address_is_taken_out() -> None:
    assert Admin().get("/?token=any", accept=BROWSER).headers["location"] == "./"
