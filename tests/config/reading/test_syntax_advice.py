import pytest

from gateway.config.checks.problems import ConfigError
from gateway.config.reading.document import parse_document


@pytest.mark.parametrize(
    ("content", "line", "advice"),
    [
        (b"a: @b\n", 1, "quote a value that begins with it"),
        (b"a: 1\nb: `b`\n", 2, "quote a value that begins with it"),
        (b'a: "C:\\q"\n', 1, "write each backslash twice, or use single quotes"),
        (b"a: 1\n---\nb: 1\n", 2, "a file has one document: remove the line ---"),
        (b"a: 1\nb: 'x\nc: 1\n", 2, "close the quotes that begin here"),
        (b'a: 1\nb: "x\nc: 1\n', 2, "close the quotes that begin here"),
        (b"a: [b\n", 1, "close each { and [, and quote values with a comma, a brace or a bracket"),
        (b"a: {b: 1\nc: 2\n", 2, "close each { and ["),
    ],
)
def test_a_syntax_error_has_the_line_where_it_begins_and_advice_of_its_own(
    content: bytes, line: int, advice: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_document("c.yaml", content)
    found = str(refusal.value.problems[0])
    assert found.startswith(f"c.yaml:{line}: is not YAML: ")
    assert f"; {advice}" in found
