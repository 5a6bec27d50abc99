"""The parts of one output item, put together from the events of a responses stream."""

from typing import Any, Literal, TypeGuard

from gateway.shapes import Json

Listed = Literal["content", "summary"]
"""The lists of parts that an item can have."""


class StreamedParts:
    """The parts of an item's lists, each with the longest text that any event has for it."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Listed, int], Json] = {}
        self._ended: set[Listed] = set()
        """The lists whose last part has come whole."""

    def go_on(self, listed: Listed, kind: str, index: object, text: str) -> None:
        """Take the next piece of a part's text; `kind` is the part's type."""
        part = self._part(listed, kind, index, begins=True)
        part[field_of(kind)] += text

    def end(self, listed: Listed, index: object, whole: Json) -> None:
        """Take a whole part; its text counts unless the text so far begins with it."""
        if whole["type"] == "reasoning_text":
            self._without_pieces(listed, _text(whole))
        part = self._part(listed, whole["type"], index, begins=False)
        name = field_of(part["type"])
        before, text = part[name], whole.get(name)
        noted = _joined(part.get("annotations"), whole.get("annotations"))
        part |= {key: value for key, value in whole.items() if value not in (None, "", [])}
        part |= {"annotations": noted} if noted else {}
        part[name] = _fuller(before, text if isinstance(text, str) else "")
        if type(index) is not int:
            self._ended.add(listed)

    def fit(self, listed: Listed, whole: list[Any]) -> None:
        """Take the whole list of parts, before its parts are taken one by one.

        Pieces that a server has sent under other indexes than their parts' are left out, since the
        list has their text. Such pieces are those of parts that no event has announced.
        """
        texts = list(map(_text, whole))
        if all(
            at < len(texts) and texts[at].startswith(_text(part))
            for (of, at), part in self._parts.items()
            if of == listed
        ):
            return
        noted = [each for part in whole for each in _annotations(part)]
        for annotation in self._without_pieces(listed, "".join(texts)):
            if annotation not in noted:
                self.annotate(0, annotation)

    def _without_pieces(self, listed: Listed, text: str) -> list[Any]:
        """Leave out pieces that came under indexes of their own; return their annotations."""
        pieces = {place: part for place, part in self._parts.items() if place[0] == listed}
        joined = "".join(_text(part) for _, part in sorted(pieces.items(), key=_place))
        if not joined or not text.startswith(joined):
            return []
        self._parts = {place: part for place, part in self._parts.items() if place not in pieces}
        return [each for part in pieces.values() for each in part.get("annotations", ())]

    def annotate(self, index: object, annotation: object) -> None:
        """Take an annotation of a message's text; without an index, it belongs to the last text."""
        texts = [at for (_, at), part in self._parts.items() if part["type"] == "output_text"]
        place = index if type(index) is int else max(texts, default=None)
        part = self._part("content", "output_text", place, begins=False)
        part["annotations"] = _joined(part.get("annotations"), [annotation])

    def completed(self, listed: Listed, given: object) -> object:
        """Return an item's whole list: the given parts, unless the stream has more text."""
        streamed = [
            part for (of, _), part in sorted(self._parts.items(), key=_place) if of == listed
        ]
        own = given if _is_list(given) else []
        text = given if isinstance(given, str) else "".join(map(_text, own))
        text_so_far = "".join(map(_text, streamed))
        if not streamed or (
            text and (len(text_so_far) <= len(text) or not text_so_far.startswith(text))
        ):
            return [_annotated(part, at, streamed) for at, part in enumerate(own)] or given
        before = [part if isinstance(part, dict) else {} for part in own] + [{}] * len(streamed)
        return [{**known, **part} for known, part in zip(before, streamed, strict=False)]

    def _part(self, listed: Listed, kind: str, index: object, *, begins: bool) -> Json:
        """Return a part; without an index, it is the last of its list or the next one.

        It is the next one if the last has another type, or if a part `begins` after a whole one.
        """
        at = index if type(index) is int else self._last(listed, kind, begins=begins)
        part = self._parts.get((listed, at))
        if part is None:
            part = self._parts[listed, at] = {"type": kind}
            part[field_of(kind)] = ""
        return part

    def _last(self, listed: Listed, kind: str, *, begins: bool) -> int:
        places = [at for of, at in self._parts if of == listed]
        if not places:
            return 0
        last = max(places)
        is_next = begins and listed in self._ended
        if is_next:
            self._ended.discard(listed)
        return last + (is_next or self._parts[listed, last]["type"] != kind)


def _place(entry: tuple[tuple[Listed, int], Json]) -> tuple[Listed, int]:
    return entry[0]


def _annotated(part: Any, at: int, streamed: list[Json]) -> Any:
    """Return a given part, with annotations that only the stream has."""
    noted = streamed[at].get("annotations") if at < len(streamed) else None
    if not noted or not isinstance(part, dict):
        return part
    return {**part, "annotations": _joined(part.get("annotations"), noted)}


def _joined(annotations: object, more: object) -> list[Any]:
    known = list(annotations) if _is_list(annotations) else []
    return known + [each for each in (more if _is_list(more) else ()) if each not in known]


def field_of(kind: str) -> str:
    """Return the field that has the text of a part, by the part's type."""
    return "refusal" if kind == "refusal" else "text"


def _text(part: object) -> str:
    if not isinstance(part, dict):
        return ""
    text = part.get("text") or part.get("refusal")
    return text if isinstance(text, str) else ""


def _fuller(before: str, text: str) -> str:
    return before if before.startswith(text) else text


def _annotations(part: object) -> list[Any]:
    noted = part.get("annotations") if isinstance(part, dict) else None
    return noted if _is_list(noted) else []


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
