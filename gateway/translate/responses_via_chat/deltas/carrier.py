"""Collects the fields that reasoning carries back to its server, for clients of other shapes."""

from collections.abc import Sequence
from typing import Protocol

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.responses_via_chat.deltas.delta import CallFragment
from gateway.translate.responses_via_chat.deltas.reasoning_fields import TURN, merge


class CarriedCall(Protocol):
    """A call that the client gets."""

    @property
    def shown_id(self) -> str:
        """The client's id of the call."""

    announced: bool
    """Whether `shown_id` is final."""


class Carrier:
    """Collects the fields that one piece of reasoning carries back to the server.

    `is_shown`: the client gets the text of the reasoning. `demanded`: there is content even if that
    text is all of it. `before` are the calls that came before the reasoning; they identify its
    message when it comes back. `goes_on`: a part of the message came before the reasoning, and its
    text may continue after it.
    """

    def __init__(
        self,
        context: Context,
        before: Sequence[CarriedCall],
        *,
        is_shown: bool,
        demanded: bool,
        goes_on: bool,
    ) -> None:
        self._is_shown = is_shown
        self._own_name = context.capabilities.reasoning_field
        self._before = tuple(before)
        self._demanded = demanded or goes_on
        self._goes_on = goes_on
        self._pieces: list[str] = []
        self._name = ""
        self._fields: Json = {}
        self._calls: list[tuple[CarriedCall, Json]] = []

    @property
    def is_ready(self) -> bool:
        """Whether the ids of all calls are known whose fields it carries."""
        return all(call.announced for call, _ in self._calls)

    def add_text(self, names: Sequence[str], text: str) -> None:
        """Add text of the reasoning; `names` are all of the server's names for it."""
        if not self._name:
            usual = self._own_name
            self._name = usual if usual is not None and usual in names else names[0]
        self._pieces.append(text)

    def add_fields(self, fields: Json) -> None:
        """Add fields of the message."""
        merge(self._fields, fields)

    def sign(self, call: CarriedCall, fields: Json) -> None:
        """Add fields of a call."""
        for known, signed in self._calls:
            if known is call:
                merge(signed, fields)
                return
        self._calls.append((call, {}))
        merge(self._calls[-1][1], fields)

    def content(self) -> Json | None:
        """Return the carried fields of the message, and of its calls by the client's ids.

        None if they are no more than the text that the client gets.
        """
        has_more = self._demanded or self._fields or self._calls
        is_in_text = self._is_shown and self._name in ("", self._own_name)
        if is_in_text and not has_more:
            return None
        message = {self._name: "".join(self._pieces)} if self._name else {}
        calls: dict[str, Json] = {call.shown_id: {} for call in self._before}
        calls |= {call.shown_id: fields for call, fields in self._calls}
        return {
            "message": {**message, **self._fields},
            "calls": calls,
            "goes_on": self._goes_on,
        }

    def sealed(self, context: Context) -> str | None:
        """Return the carried fields, sealed; None: there are none, or there is no seal."""
        content = self.content()
        if content is None or context.seal is None:
            return None
        return context.seal.close({"kind": TURN, "upstream": context.upstream, **content})


def sign_calls(
    carrier: Carrier | None, calls: Sequence[CarriedCall], fragments: Sequence[CallFragment]
) -> None:
    """Add to a carrier, if there is one, the fields that fragments of calls carry."""
    for call, fragment in zip(calls, fragments, strict=True):
        if carrier is not None and fragment.carried:
            carrier.sign(call, fragment.carried)
