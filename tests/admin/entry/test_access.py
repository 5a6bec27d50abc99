"""Who may use the operators' listener."""

from http.cookies import SimpleCookie

import pytest
from starlette.requests import Request

from gateway.admin.entry.access import COOKIE_SECONDS, Access
from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.errors import AuthenticationFailed, PermissionDenied

NOW = 1_795_000_000.0
TOKEN = "secret"


def request(method: str = "GET", scheme: str = "http", **headers: str) -> Request:
    named = {"host": "gw.example:9090", **headers}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
    return Request({"type": "http", "method": method, "scheme": scheme, "headers": raw})


def access(token: str | None = TOKEN, port: int = 9090, now: float = NOW) -> Access:
    return Access(AdminSettings(port=port, token=Secret(token) if token else None), lambda: now)


def cookie(own: Access, scheme: str = "http", **headers: str) -> str:
    """Return what a browser sends back."""
    parsed = SimpleCookie(own.cookie(request(scheme=scheme, **headers)))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in parsed.items())


def test_without_a_token_everybody_may() -> None:
    access(None).check(request())
    assert access(None).is_token("anything")


def test_the_token_or_a_cookie_is_required() -> None:
    own = access()
    for good in ({"x_admin_token": "secret"}, {"authorization": "bearer  secret"}):
        own.check(request(**good))
    own.check(request(cookie=cookie(own)))
    for bad in ({}, {"x_admin_token": "secre"}, {"authorization": "secret"}, {"cookie": "secret"}):
        with pytest.raises(AuthenticationFailed, match="X-Admin-Token"):
            own.check(request(**bad))


def test_a_cookie_does_not_have_the_token_and_is_kept_from_scripts_and_other_sites() -> None:
    set_cookie = access().cookie(request())
    assert "secret" not in set_cookie
    assert set_cookie.startswith("gateway-admin-9090=")
    attributes = set_cookie.split("; ")[1:]
    assert attributes == [
        f"Max-Age={COOKIE_SECONDS}",
        "Path=/",
        "HttpOnly",
        "SameSite=Strict",
    ]


def test_a_cookie_is_secure_where_the_connection_is() -> None:
    assert access().cookie(request(scheme="https")).endswith("; Secure")
    assert access().cookie(request(x_forwarded_proto="https")).endswith("; Secure")


def test_a_cookie_expires_and_ends_with_its_token_and_listener() -> None:
    given = cookie(access())
    assert access(now=NOW + COOKIE_SECONDS - 1).knows(request(cookie=given))
    assert not access(now=NOW + COOKIE_SECONDS).knows(request(cookie=given))
    assert not access(token="another").knows(request(cookie=given))
    assert not access(port=9091).knows(
        request(cookie=given.replace("gateway-admin-9090", "gateway-admin-9091"))
    )


@pytest.mark.parametrize("value", ["", "x", "9999999999.", "٣.x", "9" * 20 + ".x", "1.2.3"])
def test_a_forged_cookie_is_nothing(value: str) -> None:
    forged = f"gateway-admin-9090={value}"
    assert not access().knows(request(cookie=forged))


def test_a_longer_life_cannot_be_written_into_a_cookie() -> None:
    expires, _, mac = cookie(access()).partition("=")[2].partition(".")
    forged = f"gateway-admin-9090={int(expires) + 1}.{mac}"
    assert not access().knows(request(cookie=forged))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://gw.example:3000"},
        {"origin": "http://evil.example"},
        {"origin": "http://gw.example:9091"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://[gw.example]:9090"},
        {"origin": "http://evil.example", "sec_fetch_mode": "navigate"},
    ],
)
def test_pages_of_other_sites_are_refused_even_without_a_token(
    method: str, headers: dict[str, str]
) -> None:
    with pytest.raises(PermissionDenied):
        access(None).check(request(method, **headers))


def test_a_form_of_another_site_is_refused_and_a_link_is_not() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    access(None).check(request("GET", **link))
    with pytest.raises(PermissionDenied):
        access(None).check(request("POST", **link))


def test_its_own_page_and_other_programs_are_served() -> None:
    own = {"sec_fetch_site": "same-origin", "origin": "http://gw.example:9090"}
    access(None).check(request("POST", **own))
    access(None).check(request("POST"))
    access(None).check(request("GET", sec_fetch_site="none"))


def test_the_token_is_not_a_credential_for_upstreams() -> None:
    both = request(authorization="Bearer secret", api_key="k", cookie="c")
    assert access().callers_credential(both) == ((b"api-key", b"k"),)
    other = request(authorization="Bearer key")
    assert access().callers_credential(other) == ((b"authorization", b"Bearer key"),)
    assert access(None).callers_credential(other) == ((b"authorization", b"Bearer key"),)
