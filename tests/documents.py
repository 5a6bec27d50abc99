"""Reading the project's documents: headings, links, fenced blocks and tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
TRANSLATION = ROOT / "docs" / "translation"
"""The pages on translation, one for each client's shape and for each subject."""

_BLOCK = re.compile(
    r"^(?:<!-- (?P<marker>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
_TABLE = re.compile(r"^<!-- (?P<marker>[^\n]*) -->\n(?P<rows>(?:\|[^\n]*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, and what an HTML comment on the line above says of it."""

    place: str
    language: str
    marker: str
    text: str


def blocks(document: Path) -> list[Block]:
    text = document.read_text("utf-8")
    return [
        Block(
            f"{document.name}:{text.count(chr(10), 0, match.start()) + 1}",
            match["language"],
            match["marker"] or "",
            match["text"],
        )
        for match in _BLOCK.finditer(text)
    ]


def all_blocks(*, language: str = "", marker: str = "", exact: bool = False) -> list[Block]:
    """Every block of a language, or whose marker begins so; is so, if it is to be exact."""
    return [
        block
        for document in DOCUMENTS
        for block in blocks(document)
        if block.language.startswith(language)
        and (block.marker == marker if exact else block.marker.startswith(marker))
    ]


def prose(document: Path) -> str:
    """The text without its fenced blocks."""
    return _BLOCK.sub("", document.read_text("utf-8"))


def links(document: Path) -> list[str]:
    return [match["target"] for match in _LINK.finditer(prose(document))]


def anchors(document: Path) -> set[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def marked_table(document: Path, marker: str) -> list[list[str]]:
    """The rows, without the head, of the table under an HTML comment."""
    for match in _TABLE.finditer(document.read_text("utf-8")):
        if match["marker"] == marker:
            return _rows(match["rows"])
    raise AssertionError(f"{document.name} has no table {marker!r}")


def marked_tables(document: Path, prefix: str) -> list[str]:
    found = [match["marker"] for match in _TABLE.finditer(document.read_text("utf-8"))]
    return [marker for marker in found if marker.startswith(prefix)]


def table_after(document: Path, heading: str) -> list[list[str]]:
    """The rows, without the head, of the first table below a heading."""
    text = document.read_text("utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1]
    lines = section.split("\n|", 1)[1].split("\n\n", 1)[0]
    return _rows("|" + lines + "\n")


def section(document: Path, heading: str) -> str:
    """The text of a second-level section."""
    text = document.read_text("utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def sections(document: Path) -> list[str]:
    return re.findall(r"^## (.+)$", prose(document), re.MULTILINE)


def _rows(text: str) -> list[list[str]]:
    lines = text.strip("\n").split("\n")
    return [_cells(line) for line in lines[2:] if line.startswith("|")]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with its output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output
