"""The recorded upstream errors: replies of real servers, each with what it means.

`errors.jsonl`, one reply a line: `called` (the endpoint that answered), `status` (null: not seen),
`body` (decoded; text where it is not JSON), and as labels `class`, `right_endpoint` and `fix`.
Optional: `model` (its name), `send` (names of parameters that were in the request), `replacement`.
`source` says where it was seen; `verbatim` false: the envelope was rebuilt around a quoted message.
Identifiers of accounts are masked.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.resolve.refusals.betas import FIELD
from gateway.resolve.refusals.classify import Refusal, Verdict, classify
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

# Names that a request can well have, and that no recorded fix touches.
ORDINARY_NAMES = frozenset(
    {
        "dimensions",
        "function_call",
        "functions",
        "input",
        "messages",
        "model",
        "previous_response_id",
        "prompt",
        "stop",
        "stream",
        "suffix",
        "tools",
    }
)


@dataclass(frozen=True)
class RecordedError:
    """One line of the file."""

    id: str
    called: Shape | None
    status: int | None
    body: Any
    label: str
    right_endpoint: str | None
    fixes: frozenset[ParameterFix]
    model: str
    also_sent: frozenset[str]
    replacement: str | None

    @property
    def statuses(self) -> tuple[int, ...]:
        """The status seen, or those that it can have been."""
        return (400, 404) if self.status is None else (self.status,)

    @property
    def sent(self) -> frozenset[str]:
        """The parameter names of a request that this reply can answer."""
        names = {fix.name for fix in self.fixes if fix.action != "beta"}
        return ORDINARY_NAMES | self.also_sent | names | {name.partition(".")[0] for name in names}

    @property
    def acts(self) -> bool:
        """Whether it makes the gateway send something again."""
        return self.label in ("wrong_endpoint", "unsupported_parameter")

    def classify(self, *, status: int | None = None, body: object = None) -> Refusal:
        """Classify the reply, or a variation of it."""
        return classify(
            self.called,
            status or self.statuses[0],
            self.body if body is None else body,
            model=self.model,
            sent=self.sent,
        )


def in_openai_envelope(message: str, code: object = None, kind: str | None = None) -> object:
    """Return an error as OpenAI writes it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def label_of(refusal: Refusal) -> str:
    """Return the label's word for a verdict: the file has a missing route among the others."""
    return "other" if refusal.verdict is Verdict.UNKNOWN_ROUTE else refusal.verdict.value


def acts(refusal: Refusal) -> bool:
    """Whether a verdict makes the gateway send something again."""
    return refusal.verdict in (Verdict.WRONG_ENDPOINT, Verdict.UNSUPPORTED_PARAMETER)


def _fixes(label: dict[str, Any] | None) -> frozenset[ParameterFix]:
    label = label or {}
    drops = [ParameterFix("drop", name) for name in label.get("drop", [])]
    drops += [
        ParameterFix("drop", name, given=value) for name, value in label.get("given", {}).items()
    ]
    replaced = label.get("replace", {}).items()
    replaces = [ParameterFix("replace", name, to, given) for name, (given, to) in replaced]
    drops += [ParameterFix("drop", name, once=True) for name in label.get("drop_once", [])]
    once = label.get("once", {}).items()
    replaces += [ParameterFix("replace", name, to, given, once=True) for name, (given, to) in once]
    renames = [ParameterFix("rename", name, to) for name, to in label.get("rename", {}).items()]
    withheld = [ParameterFix("withhold", name) for name in label.get("withhold", [])]
    limits = [ParameterFix("limit", name, most) for name, most in label.get("limit", {}).items()]
    limits += [ParameterFix("room", name, most) for name, most in label.get("room", {}).items()]
    stripped = [ParameterFix("strip", name) for name in label.get("strip", [])]
    streams = [ParameterFix("stream", name, to) for name, to in label.items() if name == "stream"]
    unthinking = label.get("unthink", {}).items()
    drops += [ParameterFix("unthink", name, to) for name, to in unthinking]
    drops += [ParameterFix("yield", name, to) for name, to in label.get("yield", {}).items()]
    drops += [ParameterFix("fill", name) for name in label.get("fill", [])]
    drops += [ParameterFix("beta", FIELD, given=name) for name in label.get("beta", [])]
    drops += [ParameterFix("whole", name) for name in label.get("whole", [])]
    drops += [ParameterFix("beta", FIELD, to=names) for names in label.get("betas", [])]
    return frozenset(streams + drops + replaces + renames + withheld + limits + stripped)


def _read(line: str) -> RecordedError:
    entry = json.loads(line)
    called = entry["called"]
    return RecordedError(
        entry["id"],
        Shape(called) if called in set(Shape) else None,
        entry["status"],
        entry["body"],
        entry["class"],
        entry["right_endpoint"],
        _fixes(entry["fix"]),
        entry.get("model", ""),
        frozenset(entry.get("send", ())),
        entry.get("replacement"),
    )


RECORDED = [
    _read(line) for line in Path(__file__).with_name("errors.jsonl").read_text("utf-8").splitlines()
]
