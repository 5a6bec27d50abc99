"""What usually helps when a file is not YAML."""

_ADVICE = (
    (r"'\t'", "write spaces instead of tabs"),
    ("alias", "quote a value that begins with * or &"),
    ("anchor", "quote a value that begins with * or &"),
    ("that cannot start any token", "quote a value that begins with it"),
    ("unknown escape character", "write each backslash twice, or use single quotes"),
    ("while scanning a quoted scalar", "close the quotes that begin here"),
    ("expected a single document", "a file has one document: remove the line ---"),
)
"""What usually helps, by what PyYAML says; the first that fits counts."""


def syntax_advice(what: str, line: str) -> str:
    """Return what to do about an error: `what` PyYAML says of it, and the line that it is in."""
    for words, advice in _ADVICE:
        if words in what:
            return advice
    if "${" in line:
        return 'inside of { } or [ ], write "${VAR}" in quotes'
    if "while parsing a flow" in what:
        return "close each { and [, and quote values with a comma, a brace or a bracket"
    return "check the indentation, and that a space follows each colon"
