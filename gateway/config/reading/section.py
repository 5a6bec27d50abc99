"""Reads as much of a file as one section needs, for commands that ask a running gateway.

The gateway may run with an earlier content of the file: what an edit has made of other sections
does not matter to these commands.
"""

import re
from contextlib import suppress
from pathlib import Path

from gateway.config.checks.problems import ConfigError, Problem
from gateway.config.reading.document import Document, parse_document, read_content
from gateway.config.reading.files import Files


def read_for_section(path: Path, files: Files, section: str) -> tuple[Document, list[Problem]]:
    """Read a file as far as one section needs it; return it, and what is wrong with the whole.

    Where the whole is unreadable, a section whose key stands alone in a line can be read by itself.
    """
    try:
        content = read_content(path, files)
    except ConfigError as error:
        return Document(str(path)), list(error.problems)
    try:
        return parse_document(str(path), content), []
    except ConfigError as error:
        problems = list(error.problems)
    lines = rb"^%b:.*\n?(?:(?:[ \t#].*)?\n?)*" % section.encode()
    if found := re.search(lines, content, re.MULTILINE):
        above = content.count(b"\n", 0, found.start())
        with suppress(ConfigError):
            return parse_document(str(path), b"\n" * above + found[0]), problems
    return Document(str(path)), problems
