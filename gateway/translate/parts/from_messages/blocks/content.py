"""Content blocks of users and of tools' results as parts of OpenAI's endpoints."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.parts.from_messages.blocks.compaction import summary_of
from gateway.translate.parts.from_messages.blocks.forms import PartForms
from gateway.translate.parts.from_messages.blocks.server_blocks import text_of_record
from gateway.translate.parts.from_messages.deferred import changed_tool, report_change
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.schema.checks import Record
from gateway.translate.schema.messages_blocks import (
    BLOCKS,
    DOCUMENT_SOURCES,
    IMAGE_SOURCES,
    OF_SERVER_TOOLS,
    TOOL_CHANGES,
)
from gateway.translate.schema.unknown_fields import carry_unknown

_UNNAMED = "document.pdf"


def text_alone(block: Json) -> str | None:
    """Return the text of a checked block that is nothing but a text.

    None: it is a block of another type, or has citations or unknown fields.
    """
    if block["type"] != "text" or not BLOCKS["text"].names.issuperset(block):
        return None
    text: str = block["text"]
    return None if block.get("citations") else text


class Placed(msgspec.Struct, gc=False):
    """A part, and the client's path of the block that it was made from."""

    part: Json
    path: str

    @property
    def text(self) -> str | None:
        """The text of the part; None: it is no text."""
        text: str | None = self.part.get("text")
        return text


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Makes parts of checked blocks; a block that has no place is refused or reported."""

    forms: PartForms
    context: Context
    report: Report
    tools: frozenset[str] = frozenset()
    """The names of the tools whose changes the model is told about."""

    def parts(self, block: Json, path: str) -> Iterator[Placed]:
        """Yield the parts of one block; raises `UnsupportedParameter`, naming `path`."""
        kind = block["type"]
        carry_unknown(block, BLOCKS[kind], path, self.context, self.report)
        for part in self._readers[kind](self, block, path):
            yield part if isinstance(part, Placed) else Placed(part, path)

    def texts_of(self, block: Json, path: str) -> Iterator[str]:
        """Yield the texts of a block of the assistant; other parts are reported."""
        kind = block["type"]
        if kind in OF_SERVER_TOOLS:
            yield text_of_record(block, path, self.context, self.report)
        elif kind == "compaction":
            yield summary_of(block, path, self.context, self.report)
        else:
            for placed in self.parts(block, path):
                if placed.text is None:
                    self.report.drop(placed.path)
                else:
                    yield placed.text

    def _text(self, block: Json, path: str) -> Iterator[Json]:
        self._drop_citations(block, path)
        if block["text"]:
            yield self.forms.text(block["text"])

    def _image(self, block: Json, path: str) -> Iterator[Json]:
        source = block["source"]
        self._check_source(source, IMAGE_SOURCES, path)
        if "transformations" in block:
            self.report.drop(f"{path}.transformations")
        if source["type"] == "base64":
            yield self.forms.image(data_url(source))
        elif source["type"] == "url":
            yield self.forms.image(source["url"])
        else:
            self._refuse_file(path)

    def _document(self, block: Json, path: str) -> Iterator[Json | Placed]:
        source = block["source"]
        self._check_source(source, DOCUMENT_SOURCES, path)
        self._drop_citations(block, path)
        kind = source["type"]
        if kind in ("text", "content"):
            yield from self._written_out(block, path)
        elif kind == "file":
            self._refuse_file(path)
        else:
            yield from self._file(block, path)

    def _file(self, block: Json, path: str) -> Iterator[Json]:
        source, title = block["source"], block.get("title")
        if source["type"] == "base64":
            part = self.forms.file(title or _UNNAMED, data_url(source))
        elif self.forms.file_url is None:
            self._refuse(path, "its endpoint takes files by their content only.")
            return
        else:
            part = self.forms.file_url(source["url"])
            if title:
                self.report.drop(f"{path}.title")
        context = block.get("context")
        if context:
            self.report.emulate(f"{path}.context")
            yield self.forms.text(context)
        yield part

    def _written_out(self, block: Json, path: str) -> Iterator[Json | Placed]:
        """Yield a document of text as text, after its title and context."""
        self.report.emulate(path)
        source = block["source"]
        content = source["data"] if source["type"] == "text" else source["content"]
        head = [block[name] for name in ("title", "context") if block.get(name)]
        if isinstance(content, str):
            if text := _paragraphs("\n".join(head), content):
                yield self.forms.text(text)
            return
        if head:
            yield self.forms.text("\n".join(head))
        for index, inner in enumerate(content):
            yield from self.parts(inner, f"{path}.source.content[{index}]")

    def _search_result(self, block: Json, path: str) -> Iterator[Json]:
        self.report.emulate(path)
        self._drop_citations(block, path)
        for index, inner in enumerate(block["content"]):
            place = f"{path}.content[{index}]"
            carry_unknown(inner, BLOCKS["text"], place, self.context, self.report)
            self._drop_citations(inner, place)
        texts = "\n".join(inner["text"] for inner in block["content"])
        yield self.forms.text(_paragraphs(f"{block['title']}\n{block['source']}", texts))

    def _tool_reference(self, block: Json, path: str) -> Iterator[Json]:
        yield from self._tool_state(block["tool_name"], "now", path)

    def _tool_change(self, block: Json, path: str) -> Iterator[Json]:
        report_change(block, path, self.context, self.report)
        state = "now" if block["type"] == "tool_addition" else "no longer"
        yield from self._tool_state(changed_tool(block), state, path)

    def _tool_state(self, name: str | None, state: str, path: str) -> Iterator[Json]:
        """Yield the sentence about a tool, with its name as sent; nothing for an unknown tool."""
        if name is None or name not in self.tools:
            self.report.drop(path)
            return
        self.report.emulate(path)
        yield self.forms.text(f"Tool {sent_name(name)} is {state} available.")

    def _no_place(self, block: Json, path: str) -> Iterator[Json]:
        self._refuse(path, f"only Anthropic's models take blocks of type '{block['type']}'.")
        yield from ()

    def _drop_citations(self, block: Json, path: str) -> None:
        if block.get("citations") and block["citations"] != {"enabled": False}:
            self.report.drop(f"{path}.citations")

    def _check_source(self, source: Json, known: Mapping[str, Record], path: str) -> None:
        carry_unknown(source, known[source["type"]], f"{path}.source", self.context, self.report)

    def _refuse_file(self, path: str) -> None:
        self._refuse(path, "the file is stored at Anthropic. Send its content.")

    def _refuse(self, path: str, reason: str) -> None:
        unsupported(self.context, self.report, path, reason)

    _readers: ClassVar[
        Mapping[str, Callable[["BlockReader", Json, str], Iterator[Json | Placed]]]
    ] = {
        "text": _text,
        "image": _image,
        "document": _document,
        "search_result": _search_result,
        "tool_reference": _tool_reference,
        **dict.fromkeys(TOOL_CHANGES, _tool_change),
        "browser_state": _no_place,
        "container_upload": _no_place,
    }


def data_url(source: Json) -> str:
    """Return the `data:` URL of a checked source in base64."""
    return f"data:{source['media_type']};base64,{source['data']}"


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))
