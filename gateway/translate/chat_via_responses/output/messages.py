"""The message items of one response: text, refusals and citations."""

from functools import partial

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.annotations import Cited, cited_in_chat
from gateway.translate.chat_via_responses.output.documents import Documents
from gateway.translate.chat_via_responses.output.item_texts import FORMS, parts_of, texts_of
from gateway.translate.chat_via_responses.output.reading import objects, string
from gateway.translate.chat_via_responses.output.taken_logprobs import TakenLogprobs
from gateway.translate.chat_via_responses.output.text import Step, TextFold, text_steps
from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.contract import Report

_ENDS_OF_JSON = frozenset('}]"')
_BEGINNINGS_OF_JSON = frozenset('{["')


class MessagesFold:
    """Joins all message items of a response into the one message that chat allows."""

    def __init__(self, request: PreparedRequest, report: Report) -> None:
        self._documents = Documents(report) if request.one_document else None
        self._text = TextFold(request)
        self._wants_logprobs = request.top_logprobs is not None
        self._logprobs = TakenLogprobs[tuple[OutputItem, int | None]]()
        self._length = 0
        """The length, in characters, of all text so far, shown or held back."""
        self._place: tuple[OutputItem, int | None] | None = None
        """The item and the part of the last text, shown or held back."""
        self._last_character = ""
        self._last: OutputItem | None = None
        """The message that was shown last."""
        self._waiting: list[Cited] = []
        """Citations of text that is held back, and that may still be cut."""

    @property
    def cut_by(self) -> str | None:
        """The finish reason of a text that the gateway has cut; None: it has not."""
        return self._text.cut_by

    @property
    def phase(self) -> str | None:
        """The phase of the message that was shown last."""
        return None if self._last is None else self._last.phase

    @property
    def last_item(self) -> OutputItem | None:
        """The message that was shown last."""
        return self._last

    def add_text(
        self, item: OutputItem, part: int | None, text: str, logprobs: object
    ) -> list[Step]:
        """Take text of a content part; `part` is None if the upstream sends no index.

        Raises `UpstreamError` for malformed logprobs.
        """
        if self._documents is None:
            steps = self._say(item, part, text, logprobs)
        else:
            piece = partial(self._say, item, part, text, logprobs)
            steps = self._documents.take(item, text, piece)
        if logprobs and self._wants_logprobs:
            self._logprobs.add((item, part), logprobs)
        if text:
            item.texts.add("text", part, text)
        return steps

    def _say(self, item: OutputItem, part: int | None, text: str, logprobs: object) -> list[Step]:
        steps: list[Step] = []
        if text and self._place != (item, part):
            self._place = (item, part)
            if self._last_character in _ENDS_OF_JSON and text[0] in _BEGINNINGS_OF_JSON:
                # Two documents in a row without a separator are not JSON.
                self._note("\n")
                steps = text_steps(self._text.feed("\n", None))
        item.part_offsets.setdefault(part, self._length)
        if text:
            self._last = item
            self._note(text)
        return steps + text_steps(self._text.feed(text, logprobs)) + self._cite_shown()

    def _note(self, text: str) -> None:
        self._length += len(text)
        self._last_character = text[-1]

    def complete_text(
        self, item: OutputItem, part: int | None, text: str, logprobs: object
    ) -> list[Step]:
        """Take a part's whole text, and show the rest of it; raises as `add_text` does."""
        place, rest = item.texts.rest_of_part("text", part, text)
        steps = self._rest(item, place, rest, text, logprobs)
        item.texts.end_part("text", place)
        if place is None:
            self._place = None
        return steps

    def _rest(
        self, item: OutputItem, place: int | None, rest: str, whole: str, logprobs: object
    ) -> list[Step]:
        """Show the text, or only the logprobs, that a whole part has beyond its deltas."""
        if rest or item.texts.is_part("text", place, whole):
            more = self._logprobs.beyond((item, place), logprobs)
            if more and rest != whole and not self._logprobs.has((item, place)):
                self._text.count_no_tokens()
            if rest or more:
                return self.add_text(item, place, rest, more)
        return []

    def refuse(self, item: OutputItem, part: int | None, text: str) -> list[Step]:
        """Take text of a refusal."""
        if not text:
            return []
        piece = partial(self._refuse, item, text)
        if self._documents is None:
            steps = piece()
        else:
            steps = self._documents.take_refusal(item, text, piece)
        item.texts.add("refusal", part, text)
        return steps

    def _refuse(self, item: OutputItem, text: str) -> list[Step]:
        if self.cut_by:
            return []
        self._last = item
        return [Step({"refusal": text})]

    def refuse_whole(self, item: OutputItem, part: int | None, text: str) -> list[Step]:
        """Take a refusal's whole text, and show the rest of it."""
        place, rest = item.texts.rest_of_part("refusal", part, text)
        steps = self.refuse(item, place, rest)
        item.texts.end_part("refusal", place)
        return steps

    def annotate(self, item: OutputItem, part: int | None, annotation: object) -> list[Step]:
        """Take an annotation of a content part, if the text that it cites is shown.

        `part` is None for the last part. After the end of its message, a repetition does not count.
        """
        if part is None and item.part_offsets and None not in item.part_offsets:
            part = next(reversed(item.part_offsets))
        if item.done and annotation in item.annotations.get(part, ()):
            return []
        return self._take_annotation(item, part, annotation)

    def _take_annotation(
        self, item: OutputItem, part: int | None, annotation: object
    ) -> list[Step]:
        item.annotations.setdefault(part, []).append(annotation)
        piece = partial(self._annotate, item, part, annotation)
        return piece() if self._documents is None else self._documents.take(item, "", piece)

    def _annotate(self, item: OutputItem, part: int | None, annotation: object) -> list[Step]:
        offset, shown = item.part_offsets.setdefault(part, self._length), self._text.shown
        cited = cited_in_chat(annotation, offset)
        # Nothing of the parts after a cut is shown.
        if cited is None or (self.cut_by and (cited.end > shown or offset >= shown)):
            return []
        if shown < min(cited.end, self._length):
            self._waiting.append(cited)
            return []
        return [_citing(cited)]

    def _cite_shown(self) -> list[Step]:
        """Return the citations of text that was held back and is shown now."""
        shown = [cited for cited in self._waiting if cited.end <= self._text.shown]
        if shown:
            self._waiting = [cited for cited in self._waiting if cited.end > self._text.shown]
        return [_citing(cited) for cited in shown]

    def complete(self, known: OutputItem, item: Json) -> list[Step]:
        """Take a whole item, and show the rest of it; raises `UpstreamError`."""
        steps: list[Step] = []
        content, texts = parts_of(item), texts_of(item)
        new_texts = dict(known.texts.rest_of_item("text", texts["text"]))
        new_refusals = dict(known.texts.rest_of_item("refusal", texts["refusal"]))
        counted = len(known.annotations.get(None, ()))
        for index, part in enumerate(content):
            steps += self._other_part(known, index, part)
            steps += self.refuse(known, index, new_refusals.get(index, ""))
            steps += self._rest_of_part(known, index, part, new_texts.get(index, ""))
            annotations = objects(part, "annotations")[len(known.annotations.get(index, ())) :]
            for annotation in annotations[counted:]:
                steps += self._take_annotation(known, index, annotation)
            counted = max(counted - len(annotations), 0)
        return steps

    def _rest_of_part(self, known: OutputItem, index: int, part: Json, rest: str) -> list[Step]:
        if FORMS.get(str(part.get("type"))) != "text":
            return []
        place = index if rest else known.texts.place_of("text", index)
        return self._rest(known, place, rest, string(part, "text"), part.get("logprobs"))

    def _other_part(self, item: OutputItem, index: int, part: Json) -> list[Step]:
        """Show a part without text once."""
        if not part or str(part.get("type")) in FORMS or index in item.other_parts:
            return []
        item.other_parts.add(index)
        piece = partial(self._as_it_is, part)
        return piece() if self._documents is None else self._documents.take(item, "", piece)

    def _as_it_is(self, part: Json) -> list[Step]:
        return [] if self.cut_by else [Step({"content_parts": [part]})]

    def finish(self) -> list[Step]:
        """Return the content that was held back, at the end of the response."""
        steps = [] if self._documents is None else self._documents.finish()
        steps += text_steps(self._text.finish()) + self._cite_shown()
        # All text is shown: citations that reach beyond it cannot refer to other text.
        rest = [] if self.cut_by else self._waiting
        self._waiting = []
        return [*steps, *(_citing(cited) for cited in rest)]


def _citing(cited: Cited) -> Step:
    return Step({cited.field: [cited.shown]})
