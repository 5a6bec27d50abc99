"""The head of a field in a multipart form, as a pattern: where a form is searched, not parsed."""


def head_of(name: bytes) -> bytes:
    """Return the pattern of a field's head, its last line break included; in any case of letters.

    `name` is a pattern, too. The header fields of a part are few: without a limit, many parts that
    never end take quadratic time.
    """
    return (
        rb'content-disposition:\s*form-data;\s*name="?' + name + rb'"?\s*\r\n'
        rb"(?:[!-9;-~]+:[^\r\n]*\r\n){0,16}\r\n"
    )
