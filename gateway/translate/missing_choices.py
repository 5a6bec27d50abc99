"""Choices that a server did not generate though `n` asked for them.

Some servers ignore `n` silently: transformers serve generates one choice, whatever is requested.
Each missing choice is then requested by a call of its own.
"""

from collections.abc import Sequence
from typing import Any

from gateway.shapes import Json
from gateway.translate.parts.finish_reasons import ending_word
from gateway.translate.parts.tokens.usage_sums import sum_usage
from gateway.translate.schema.checks import INT64_MIN
from gateway.translate.stream.reply_choices import index_in


def asked_choices(body: Json) -> int:
    """Return how many choices of one prompt a chat or completions request asks for.

    1 for lists of prompts, where the missing ones cannot be identified.
    """
    n, prompt = body.get("n"), body.get("prompt")
    several = isinstance(prompt, list) and not all(type(item) is int for item in prompt)
    return n if type(n) is int and not several else 1


def single_calls(body: Json, have: int) -> list[Json]:
    """Return the requests for the choices beyond the first `have`, one each.

    Each has its own seed, where the request has one: equal seeds give equal texts.
    """
    common = {name: value for name, value in body.items() if name != "n"}
    seed = body.get("seed")
    if type(seed) is not int:
        return [dict(common) for _ in range(have, asked_choices(body))]
    return [
        {**common, "seed": (seed + position - INT64_MIN) % 2**64 + INT64_MIN}
        for position in range(have, asked_choices(body))
    ]


def are_missing(reply: object, expected: int) -> bool:
    """Whether a reply has some, but not all, of its choices."""
    return 0 < len(given_choices(reply)) < expected


def given_choices(reply: object) -> list[Any]:
    """Return the choices of a reply, or of an event of one, without those that are null."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    listed = choices if isinstance(choices, list) else []
    return [choice for choice in listed if choice is not None]


def completed(reply: Json, singles: Sequence[object]) -> Json:
    """Return a reply completed with the first choice of each reply in `singles`.

    The usage is the sum, if all are known; the prompt's tokens count once.
    """
    choices = [
        {**choice, "index": index} if isinstance(choice, dict) else choice
        for index, choice in enumerate(given_choices(reply))
    ]
    usages: list[object] = [reply.get("usage")]
    for single in singles:
        further = given_choices(single)
        if further and isinstance(further[0], dict):
            choices.append({**further[0], "index": len(choices)})
        usages.append(single.get("usage") if isinstance(single, dict) else None)
    whole = {**reply, "choices": choices}
    usage = sum_usage(usages)
    if usage is None:
        whole.pop("usage", None)
    else:
        whole["usage"] = usage
    return whole


class ChoicesSeen:
    """The choices that have come in the stream of one call, and the usage of calls."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self._odd = False
        self._usages: list[object] = []
        self._usage: object = None
        self._last: Json = {}

    @property
    def complete(self) -> int:
        """How many choices have come, if they are numbered from 0 and all have finished; else 0."""
        whole = self._seen == self._finished == set(range(len(self._seen)))
        return 0 if self._odd or not whole else len(self._seen)

    def take(self, event: Json, index: int | None = None) -> Json | None:
        """Take an event; return it without its usage, or None if it has nothing else.

        An `index` is that of the missing choice that the call generates.
        """
        self._odd = self._odd or bool(event.get("error"))
        if event.get("usage"):
            self._usage = event["usage"]
            event = {name: value for name, value in event.items() if name != "usage"}
        if not isinstance(event.get("choices"), list):
            return event
        choices = given_choices(event)
        self._last = event
        if not choices:
            return None
        return {**event, "choices": [self._choice(choice, index) for choice in choices]}

    def next_call(self) -> None:
        """Begin with another call's stream: its usage is added to those before."""
        self._usages.append(self._usage)
        self._usage = None

    def usage_event(self) -> Json | None:
        """Return the event with the usage of all calls; None where it is unknown."""
        usage = sum_usage([*self._usages, self._usage])
        return None if usage is None else {**self._last, "choices": [], "usage": usage}

    def _choice(self, choice: object, index: int | None) -> object:
        if not isinstance(choice, dict):
            self._odd = True
            return choice
        at = (index_in(choice) or 0) if index is None else index
        self._seen.add(at)
        if ending_word(choice) is not None:
            self._finished.add(at)
        return {**choice, "index": at}
