"""The texts of one item so far, and what a repetition adds to them.

Texts come in deltas, and whole in their own `done` event, in those of their part and of the item,
and at the end of the response. Each of these may have more than those before it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import objects, string
from gateway.translate.stream.text_prefix import TextPrefix

ReasoningForm = Literal["content", "summary"]
Form = Literal["text", "refusal"] | ReasoningForm
"""The texts of messages, and those of reasoning."""

_OTHER_FORMS: Mapping[Form, Form] = {"content": "summary", "summary": "content"}

Texts = Sequence[tuple[int, str]]
"""Texts of one form, each with its index in the list of parts."""

_Place = int | None
"""The index of a part; None: the upstream does not name it."""

_Digest = tuple[Form, tuple[int, int]]

FORMS: Mapping[str, Form] = {
    "output_text": "text",
    "text": "text",
    "input_text": "text",
    "refusal": "refusal",
}
"""The form of a message's part by its type; also the field with the part's text.

Some servers use chat's type, or that of input, for the model's text.
"""


class ItemTexts:
    """The text so far of each part of an item, and of each form as a whole."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Form, _Place], TextPrefix] = {}
        self._whole: dict[Form, TextPrefix] = {}
        self._ended: set[Form] = set()
        """The forms whose part without an index is complete."""

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self._parts)

    def has(self, form: Form) -> bool:
        """Whether there is any text of a form."""
        return form in self._whole

    def add(self, form: Form, place: _Place, text: str) -> None:
        """Add the next piece of a part's text."""
        key = (form, place)
        if place is None and form in self._ended:
            self._ended.discard(form)
            del self._parts[key]
        part, whole = self._parts.get(key), self._whole.get(form)
        if part is None:
            part = self._parts[key] = TextPrefix()
            # As long as there is one part, it is the whole text.
            whole = self._whole[form] = part if whole is None else whole.copy()
        part.add(text)
        if whole is not None and whole is not part:
            whole.add(text)

    def rest_of_part(self, form: Form, place: _Place, whole: str) -> tuple[_Place, str]:
        """Return the place of a whole part, and the text that it adds.

        In reasoning, `whole` may be the text of the whole item: vLLM before its #35184 gives each
        piece of a part that it does not announce an index of its own.
        """
        known_place = self.place_of(form, place)
        part = self._parts.get((form, known_place))
        of_item = self._whole.get(form) if form == "content" else None
        if of_item is not None and of_item.begins(whole):
            part = of_item
        return known_place, whole if part is None else part.rest_of(whole)

    def end_part(self, form: Form, place: _Place) -> None:
        """Record that a part is complete: text without an index then belongs to the next one.

        Until such text comes, events may repeat the complete part.
        """
        if (form, place) in self._parts and place is None:
            self._ended.add(form)

    def rest_of_item(self, form: Form, texts: Texts) -> Texts:
        """Return the texts that a whole item adds; nothing for texts that differ.

        Nor does reasoning that repeats its summary add any, or the reverse: LiteLLM's streams have
        a summary that is the text at the end.
        """
        known, whole = self._whole.get(form), "".join(text for _, text in texts)
        if known is None:
            other = self._whole.get(_OTHER_FORMS[form]) if form in _OTHER_FORMS else None
            is_repeated = other is not None and other.is_all_of(whole)
            return () if is_repeated else texts
        if known.begins(whole):
            return _after(known.length, texts)
        places = {place for place, text in texts if text}
        if any(at not in places for of, at in self._parts if of == form):
            # A part came without an index, or under a wrong one.
            return ()
        return [(place, self.rest_of_part(form, place, text)[1]) for place, text in texts]

    @property
    def digests(self) -> frozenset[_Digest]:
        """Digests of the texts by form: only items with the same texts share them."""
        return frozenset((form, text.digest) for form, text in self._whole.items())

    def begins(self, texts: Mapping[Form, Texts]) -> bool:
        """Whether the texts of an item begin with the texts so far."""
        return bool(self._whole) and all(
            known.begins("".join(text for _, text in texts.get(form, ())))
            for form, known in self._whole.items()
        )

    def is_part(self, form: Form, place: _Place, whole: str) -> bool:
        """Whether this whole text of a part has come already."""
        part = self._parts.get((form, place))
        return part is not None and part.is_all_of(whole)

    def place_of(self, form: Form, place: _Place) -> _Place:
        """Return the place under which a part is known: its pieces may have had no index."""
        if (form, place) in self._parts:
            return place
        places = [at for of, at in self._parts if of == form]
        if None in places:
            return None
        return places[-1] if place is None and places else place


def texts_of(item: Json) -> dict[Form, Texts]:
    """Return the texts of a whole message, or of reasoning; raises `UpstreamError`."""
    if item.get("type") == "reasoning":
        return {"content": _reasoning(item, "content"), "summary": _reasoning(item, "summary")}
    texts: dict[Form, list[tuple[int, str]]] = {"text": [], "refusal": []}
    for place, part in enumerate(parts_of(item)):
        form = FORMS.get(str(part.get("type")))
        if form is not None:
            texts[form].append((place, string(part, form)))
    return {**texts}


def digests_of(texts: Mapping[Form, Texts]) -> frozenset[_Digest]:
    """Return the `digests` of an item with these texts."""
    whole = ItemTexts()
    for form, of_form in texts.items():
        for place, text in of_form:
            if text:
                whole.add(form, place, text)
    return whole.digests


def parts_of(item: Json) -> list[Json]:
    """Return the parts of a message; raises `UpstreamError` for an invalid part."""
    return _parts(item, "content")


def _parts(item: Json, name: str) -> list[Json]:
    """Return a list of parts; some servers send the text, or a part, as a string."""
    parts = item.get(name)
    if isinstance(parts, str):
        parts = [parts]
    if isinstance(parts, list):
        parts = [_part(part) for part in parts]
    return objects({name: parts}, name)


def _part(part: object) -> object:
    if isinstance(part, str):
        return {"type": "output_text", "text": part}
    return {} if part is None else part


def _reasoning(item: Json, form: ReasoningForm) -> Texts:
    return [(place, string(part, "text")) for place, part in enumerate(_parts(item, form))]


def _after(length: int, texts: Texts) -> Texts:
    """Return texts without their first `length` characters."""
    rests: list[tuple[int, str]] = []
    for place, text in texts:
        rests.append((place, text[length:]))
        length = max(length - len(text), 0)
    return rests
