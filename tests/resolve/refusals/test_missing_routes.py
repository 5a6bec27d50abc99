import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.envelopes.printed_values import MAX_BODY_BYTES
from gateway.resolve.refusals.missing_routes import is_missing_page, is_missing_route

EXPRESS = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n'
    "</head>\n<body>\n<pre>{}</pre>\n</body>\n</html>\n"
)
HTTP_SERVER = (
    '<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<style type="text/css">:root {{ color-scheme: light dark; }}</style>\n'
    "<title>Error response</title>\n</head>\n<body>\n<h1>Error response</h1>\n"
    "<p>Error code: {}</p>\n<p>Message: {}.</p>\n</body>\n</html>\n"
)
DJANGO = (
    '\n<!doctype html>\n<html lang="en">\n<head>\n  <title>{}</title>\n</head>\n<body>\n'
    "  <h1>{}</h1><p>The requested resource was not found on this server.</p>\n</body>\n</html>\n"
)


def titled(title: str) -> str:
    return f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>x</h1></body></html>\r\n"


PAGES = {
    "empty": "",
    "go": "404 page not found\n",
    "gin-405": "405 method not allowed",
    "hono": "404 Not Found",
    "aiohttp": "404: Not Found",
    "aiohttp-405": "405: Method Not Allowed",
    "koa": "Not Found",
    "fiber": "Cannot POST /v1/responses",
    "kubernetes": "default backend - 404",
    "express": EXPRESS.format("Cannot POST /v1/responses"),
    "express-fragment": "<pre>Cannot POST /v1/responses</pre>",
    "nginx": titled("404 Not Found"),
    "nginx-405": titled("405 Not Allowed"),
    "apache-405": titled("405 Method Not Allowed"),
    "tornado": titled("404: Not Found"),
    "bottle": titled("Error: 404 Not Found"),
    "jetty": titled("Error 404 Not Found"),
    "tomcat": titled("HTTP Status 404 \u2013 Not Found"),
    "google": titled("Error 404 (Not Found)!!1"),
    "werkzeug": "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>",
    "django": DJANGO.format("Not Found", "Not Found"),
    "django-debug": titled("Page not found at /v1/responses"),
    "a site's": titled("Not Found | opencode"),
    "a site's own": titled("404 Page not found \u00b7 Acme"),
    "a number": "404",
    "a number in a page": "<html>404</html>",
    "an error's number": "<html><body><h1>HTTP Error 405</h1></body></html>",
    "sinatra": "<h1>Not Found</h1>",
    "http.server": HTTP_SERVER.format(404, "File not found"),
}
OTHER_PAGES = {
    "a site": titled("Welcome"),
    "a site's article": titled("Not Found: a novel"),
    "a gateway": titled("502 Bad Gateway"),
    "an outage": titled("503 Service Temporarily Unavailable"),
    "a login": titled("Sign in"),
    "a parked name": titled("Site not found · Example Pages"),
    "a trace": EXPRESS.format("Error: Cannot POST /v1/responses<br> &nbsp; at Layer.handle"),
    "another method's": HTTP_SERVER.format(501, "Unsupported method ('POST')"),
    "a model": "The model does not exist",
    "a sentence": "Not found: the model gpt-9",
    "a number of words": "404 reasons to stay",
    "a title about it": titled("404 reasons to stay"),
    "text in a page": titled("Chat").replace("<h1>x</h1>", "The user wrote: 404 page not found"),
    "a script": "<script>Cannot POST /v1/responses</script><p>Loading</p>",
    "too long": " " * (MAX_BODY_BYTES + 1),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("status", [404, 405])
def test_every_servers_own_page_is_a_missing_route(page: str, status: int) -> None:
    assert is_missing_page(status, page)
    assert is_missing_page(status, page.encode())
    assert is_missing_page(status, bytearray(page.encode()))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("status", [200, 400, 403, 410, 429, 500, 501, 502, 503])
def test_at_no_other_status_is_a_page_a_missing_route(page: str, status: int) -> None:
    assert not is_missing_page(status, page)


@pytest.mark.parametrize("page", OTHER_PAGES.values(), ids=OTHER_PAGES)
def test_a_page_that_means_something_else_is_none(page: str) -> None:
    assert not is_missing_page(404, page)
    assert not is_missing_page(404, page.encode())


HTML = {name: page for name, page in OTHER_PAGES.items() if page.startswith("<")}


@pytest.mark.parametrize("page", HTML.values(), ids=HTML)
def test_where_most_servers_have_no_route_any_page_is_one(page: str) -> None:
    assert is_missing_page(404, page, any_html=True)
    assert is_missing_page(405, page.encode(), any_html=True)
    assert not is_missing_page(503, page, any_html=True)
    assert not is_missing_page(404, OTHER_PAGES["a model"], any_html=True)


@pytest.mark.parametrize("body", [None, 7, {}, [], b"\xff\xfe"])
def test_what_is_not_a_page_is_none(body: object) -> None:
    assert not is_missing_page(404, body)


@pytest.mark.parametrize(
    "message",
    [
        "Not Found",
        "Not found.",
        "Method Not Allowed",
        "File Not Found",
        "Resource not found",
        "API not implemented",
        "Endpoint not supported",
        "Cannot POST /v1/responses",
        "Route POST:/v1/responses not found",
        "Route /v1/responses not found",
        'Method "POST" not allowed.',
        "The route v1/responses could not be found.",
        "The POST method is not supported for route v1/responses. Supported methods: GET, HEAD.",
        'No route found for "POST http://localhost/v1/responses"',
        "No static resource v1/responses.",
        "Invalid URL (POST /v1/responses)",
        "Unknown request URL: POST /v1/responses. Please check the URL",
        "Unexpected endpoint or method. (POST /v1/responses)",
        "no Route matched with those values",
        "Path '/v1/messages' not found. Ping http://.../-/routes for available routes.",
        "Completion endpoint not implemented",
        "Messages API not yet implemented for this router",
        "The requested URL was not found on the server. If you entered the URL manually …",
        "Responses API is not supported",
        "The '/v1/responses' endpoint is not implemented yet.",
        "This endpoint is not supported. Please use /v1/chat/completions.",
        "Legacy completions endpoint is not supported. Use /v1/chat/completions instead.",
        "Chat completions are currently disabled; please use /v1/completions instead.",
        "The responses endpoint is not enabled on this server.",
        "Unknown endpoint: /v1/responses",
        "Unsupported endpoint: POST /responses",
        "The endpoint /v1/responses is not supported",
        "Endpoint '/v1/messages' is not available.",
        "Path: /v1/responses is not enabled on this server",
        "This endpoint is not available",
    ],
)
def test_a_text_in_json_is_a_missing_route(message: str) -> None:
    assert is_missing_route(ErrorDetails(message))
    assert not is_missing_route(ErrorDetails(f"The user wrote: {message}"))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Model not found",
        "Not found the model kimi-9",
        "Endpoint not found",
        "Resource not found: file-1",
        "Cannot POST",
        "File not found: file-abc",
        "This route is not for you",
        "Path '/v1/files/file-1' not found",
        "Streaming not implemented",
        "Responses endpoint not implemented for gpt-9",
        "The Responses API is not supported for your account",
        "The Responses API is not supported with images.",
        "The Responses API is currently overloaded. Try again.",
        "Streaming is not supported. Use another endpoint.",
        "This endpoint is not supported in your region.",
        "Unknown endpoint: ep-2026",
        "This endpoint is not available in your region.",
        "The endpoint ep-2026 is not available",
        "Not implemented",
    ],
)
def test_other_texts_are_none(message: str) -> None:
    assert not is_missing_route(ErrorDetails(message))


def test_a_code_is_enough() -> None:
    assert is_missing_route(ErrorDetails("whatever", code="unknown_url"))
    assert is_missing_route(ErrorDetails("whatever", code="api_not_implemented"))


@given(st.text() | st.binary(), st.sampled_from([404, 405]))
def test_no_page_raises(page: str | bytes, status: int) -> None:
    is_missing_page(status, page)
    is_missing_page(status, f"<{page!r}")


@pytest.mark.parametrize("filler", ["<", "<a", "<head>", "<title>", "</head", "&", " ", "\n", "'"])
def test_long_pages_are_read_in_reasonable_time(filler: str) -> None:
    """A pattern that backtracks without bound would run into the suite's time limit."""
    for start in ("<", "<title>", "<head><title>40", "<style>", "Cannot POST x"):
        assert not is_missing_page(404, (start + filler * MAX_BODY_BYTES)[:MAX_BODY_BYTES])
