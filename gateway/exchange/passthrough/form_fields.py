"""The head of a field in a multipart form, as a pattern for searching a form without parsing it."""


def head_of(name: bytes) -> bytes:
    """Return the pattern of a field's head with its last line break; it ignores case.

    `name` is a pattern, too. The number of header fields is limited: without that, many parts that
    never end would take quadratic time.
    """
    return (
        rb'content-disposition:\s*form-data;\s*name="?' + name + rb'"?\s*\r\n'
        rb"(?:[!-9;-~]+:[^\r\n]*\r\n){0,16}\r\n"
    )
