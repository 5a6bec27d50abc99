"""The emulator's models that live at `/v1/messages` only, as Anthropic's do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING_TYPES = ("adaptive", "enabled", "disabled", "between_tools")


@dataclass(frozen=True, slots=True)
class MessagesModel:
    """One model. `context` and `max_output` are in tokens.

    `thinking` are the types of `thinking` that it takes; empty: it has none. `sampling`: it takes
    temperature, top_p and top_k. `late_system`: it takes system messages among the others.
    `prefill`: it continues an assistant's last message.
    """

    id: str
    display_name: str
    created: int
    context: int
    max_output: int
    thinking: frozenset[str] = frozenset()
    effort: bool = False
    sampling: bool = True
    late_system: bool = False
    prefill: bool = True
    structured: bool = True
    retires: int | None = None

    def card(self) -> dict[str, object]:
        """Return the model as Anthropic's `GET /v1/models` lists it (`anthropic`, ModelInfo)."""
        return {
            "id": self.id,
            "type": "model",
            "display_name": self.display_name,
            "created_at": _date(self.created),
            "max_input_tokens": self.context,
            "max_tokens": self.max_output,
            "lifecycle": "active" if self.retires is None else "deprecated",
            "deprecated_at": None if self.retires is None else _date(self.retires - 15_552_000),
            "retires_at": None if self.retires is None else _date(self.retires),
            "line": None,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, object]:
        always = ("citations", "context_management", "image_input", "pdf_input")
        return {
            **{name: _supported(True) for name in always},
            **{name: _supported(False) for name in ("batch", "code_execution", "server_tools")},
            "effort": {**_supported(self.effort), **_each(EFFORTS, EFFORTS if self.effort else ())},
            "structured_outputs": _supported(self.structured),
            "thinking": {
                **_supported(bool(self.thinking)),
                "types": _each(THINKING_TYPES, self.thinking),
            },
        }


def _supported(answer: bool) -> dict[str, object]:
    return {"supported": answer}


def _each(names: Iterable[str], supported: Iterable[str]) -> dict[str, object]:
    known = frozenset(supported)
    return {name: _supported(name in known) for name in names}


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


MESSAGES_MODELS = (
    MessagesModel(
        "claude-demo-opus-5",
        "Claude Demo Opus 5",
        1_780_272_000,
        1_000_000,
        128_000,
        frozenset({"adaptive", "disabled", "between_tools"}),
        effort=True,
        sampling=False,
        late_system=True,
        prefill=False,
    ),
    MessagesModel(
        "claude-demo-sonnet-4-5",
        "Claude Demo Sonnet 4.5",
        1_759_104_000,
        200_000,
        64_000,
        frozenset({"enabled", "disabled"}),
    ),
    MessagesModel(
        "claude-demo-haiku-3-5",
        "Claude Demo Haiku 3.5",
        1_729_555_200,
        200_000,
        8_192,
        structured=False,
        retires=1_830_297_600,
    ),
)
"""One thinks as much as it sees fit and is not to be tuned, one thinks within a budget, one does
not think."""
