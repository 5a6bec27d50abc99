import pytest

from gateway.envelopes.pages import MAX_CHARACTERS, is_page, text_of, title_of

NGINX = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway"
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>"
)


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        (NGINX, "502 Bad Gateway", "502 Bad Gateway nginx"),
        ("<TITLE> A &lt;\n b </TITLE>", "A < b", "A < b"),
        ("<p>No <b>such</b>\tthing", "", "No such thing"),
        ("<html><head><script>x</script></head></html>", "", ""),
    ],
)
def test_a_page_has_a_title_and_shows_a_text(page: str, title: str, text: str) -> None:
    assert is_page(page)
    assert (title_of(page), text_of(page)) == (title, text)


def test_the_beginning_of_a_long_page_is_read() -> None:
    page = "<p>" + " " * MAX_CHARACTERS + "<title>late</title>"
    assert (title_of(page), text_of(page)) == ("", "")


def test_a_text_is_no_page() -> None:
    assert not is_page("404 page not found")
