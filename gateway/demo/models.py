"""The emulator's models: where each lives, who sees it, what it refuses; and their jobs.

A model is served at its own `endpoints` only. Other endpoints answer as api.openai.com does
(`refusal_at`): for *concealed* models they deny that the model exists; for *misdirecting* ones,
which are responses-only, chat names /v1/completions although the model is not there either
(chatbox#2173).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.demo.refusals import Refused
from gateway.demo.refusals.models import (
    is_a_chat_model,
    is_not_a_chat_model,
    model_not_found,
    not_allowed_to,
    not_realtime,
    only_in_responses,
    responses_model_elsewhere,
    responses_model_unsupported,
)


class Endpoint(StrEnum):
    """A call that a model can be made for; the value is its path."""

    COMPLETIONS = "/v1/completions"
    CHAT = "/v1/chat/completions"
    RESPONSES = "/v1/responses"
    MESSAGES = "/v1/messages"
    EMBEDDINGS = "/v1/embeddings"
    MODERATIONS = "/v1/moderations"
    SPEECH = "/v1/audio/speech"
    IMAGES = "/v1/images/generations"
    IMAGE_EDITS = "/v1/images/edits"
    IMAGE_VARIATIONS = "/v1/images/variations"
    TRANSCRIPTIONS = "/v1/audio/transcriptions"
    TRANSLATIONS = "/v1/audio/translations"
    REALTIME = "/v1/realtime"


class Quirk(StrEnum):
    """What distinguishes a model from others at the same endpoint."""

    REASONING = "reasoning"
    """Spends tokens on reasoning unless the effort is none; refuses max_tokens, stop, penalties,
    and while it reasons temperature, top_p and logprobs."""
    ALWAYS_REASONS = "always_reasons"
    """Reasoning cannot be switched off: effort defaults to medium."""
    SUFFIX = "suffix"
    """Takes `suffix` at completions."""
    NO_ECHO_WITH_LOGPROBS = "no_echo_with_logprobs"
    NO_STRUCTURED_OUTPUTS = "no_structured_outputs"
    CONCEALED = "concealed"
    """A wrong endpoint answers that the model does not exist."""
    MISDIRECTING = "misdirecting"
    """Chat wrongly sends the caller to /v1/completions."""


@dataclass(frozen=True, slots=True)
class DemoModel:
    """One model of the emulator. `context` is in tokens; `owner` is the card's `owned_by`."""

    id: str
    endpoints: frozenset[Endpoint]
    owner: str = "openai"
    quirks: frozenset[Quirk] = frozenset()
    context: int = 128_000
    shutdown_date: str | None = None
    created: int = 1_686_935_002

    def card(self) -> dict[str, object]:
        """Return the model as /v1/models lists it, which does not say where it lives."""
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": self.owner,
            "shutdown_date": self.shutdown_date,
        }

    def refusal_at(self, endpoint: Endpoint) -> Refused | None:
        """Return OpenAI's refusal of a call at `endpoint`, or None where the model lives."""
        if endpoint in self.endpoints:
            return None
        if endpoint is Endpoint.RESPONSES:
            if Endpoint.CHAT in self.endpoints:
                return responses_model_unsupported(self.id)
            return responses_model_elsewhere(self.id)
        if endpoint is Endpoint.REALTIME:
            return not_realtime(self.id)
        if endpoint is Endpoint.EMBEDDINGS:
            return not_allowed_to("generate embeddings")
        if endpoint in (Endpoint.CHAT, Endpoint.COMPLETIONS):
            return self._refusal_to_generate(endpoint)
        return model_not_found(self.id)

    def _refusal_to_generate(self, endpoint: Endpoint) -> Refused:
        if not self.endpoints & GENERATIVE:
            return not_allowed_to("sample")
        if Quirk.CONCEALED in self.quirks:
            return model_not_found(self.id)
        if endpoint is Endpoint.CHAT:
            if Endpoint.COMPLETIONS in self.endpoints or Quirk.MISDIRECTING in self.quirks:
                return is_not_a_chat_model()
            return only_in_responses("v1/chat/completions")
        if Endpoint.CHAT in self.endpoints:
            return is_a_chat_model()
        return only_in_responses("v1/completions")


GENERATIVE = frozenset({Endpoint.COMPLETIONS, Endpoint.CHAT, Endpoint.RESPONSES})
_COMPLETIONS = frozenset({Endpoint.COMPLETIONS})
_CHAT = frozenset({Endpoint.CHAT})
_BOTH = frozenset({Endpoint.CHAT, Endpoint.RESPONSES})
_RESPONSES = frozenset({Endpoint.RESPONSES})
_REASONS = frozenset({Quirk.REASONING})
_ALWAYS_REASONS = frozenset({Quirk.REASONING, Quirk.ALWAYS_REASONS})
_EMBEDS = frozenset({Endpoint.EMBEDDINGS})
_HEARS = frozenset({Endpoint.TRANSCRIPTIONS, Endpoint.TRANSLATIONS})
_DRAWS = frozenset({Endpoint.IMAGES, Endpoint.IMAGE_EDITS})
_OLD_CHAT = frozenset({Quirk.NO_STRUCTURED_OUTPUTS})
_CONCEALED = frozenset({Quirk.CONCEALED})

PUBLIC_MODELS = (
    DemoModel("gpt-4o-mini", _BOTH, "system", shutdown_date="2027-01-14"),
    DemoModel("gpt-4o-mini-2024-07-18", _BOTH, "system", shutdown_date="2027-01-14"),
    DemoModel("gpt-3.5-turbo", _CHAT, quirks=_OLD_CHAT, context=16_385),
    DemoModel("gpt-5.4-mini", _BOTH, "system", _REASONS, 400_000),
    DemoModel("gpt-5-codex", _RESPONSES, "system", _ALWAYS_REASONS, 400_000),
    DemoModel("o1-pro", _RESPONSES, "system", _ALWAYS_REASONS, 200_000),
    DemoModel(
        "gpt-5.3-codex", _RESPONSES, "system", _ALWAYS_REASONS | {Quirk.MISDIRECTING}, 400_000
    ),
    DemoModel("davinci-002", _COMPLETIONS, "system", context=16_384),
    DemoModel(
        "gpt-3.5-turbo-instruct",
        _COMPLETIONS,
        "system",
        frozenset({Quirk.SUFFIX, Quirk.NO_ECHO_WITH_LOGPROBS}),
        4_097,
    ),
    DemoModel("text-embedding-3-small", _EMBEDS, "system", context=8_191),
    DemoModel("text-embedding-ada-002", _EMBEDS, "openai-internal", context=8_191),
    DemoModel("omni-moderation-latest", frozenset({Endpoint.MODERATIONS}), "system"),
    DemoModel("tts-1", frozenset({Endpoint.SPEECH}), "openai-internal"),
    DemoModel("whisper-1", _HEARS, "openai-internal", shutdown_date="2027-02-26"),
    DemoModel("gpt-image-1", _DRAWS, "system"),
    DemoModel("gpt-realtime-2.1", frozenset({Endpoint.REALTIME}), "system"),
)
ACME_MODELS = (
    DemoModel(
        "ft:gpt-3.5-turbo-0613:acme:bot:8abc1234",
        _CHAT,
        "acme",
        _OLD_CHAT | _CONCEALED,
        16_385,
    ),
    DemoModel(
        "ft:gpt-3.5-turbo-0613:acme:bot:8abc1230:ckpt-step-84",
        _CHAT,
        "acme",
        _OLD_CHAT | _CONCEALED,
        16_385,
    ),
    DemoModel("ft:davinci-002:acme:bot:8def5678", _COMPLETIONS, "acme", context=16_384),
    DemoModel(
        "ft:davinci-002:acme:bot:8def5670:ckpt-step-42", _COMPLETIONS, "acme", context=16_384
    ),
    DemoModel("acme-support-v7", _BOTH, "acme", _CONCEALED),
    DemoModel("acme-writer-v2", _COMPLETIONS, "acme", context=16_384),
)
PRIVATE_MODEL = "ft:davinci-002:secretive:diary:8prv9999"
PRIVATE_KEY = "sk-private-secretive"
"""The one key that sees `PRIVATE_MODEL`."""
PRIVATE_MODELS = (DemoModel(PRIVATE_MODEL, _COMPLETIONS, "secretive", context=16_384),)
ALL_MODELS = PUBLIC_MODELS + ACME_MODELS + PRIVATE_MODELS
RETIRED_MODELS = frozenset({"text-davinci-003", "davinci", "gpt-3.5-turbo-0613"})
FINE_TUNABLE = frozenset({"davinci-002", "gpt-3.5-turbo", "gpt-4o-mini-2024-07-18"})
VARIATIONS_MODEL = DemoModel("dall-e-2", frozenset({Endpoint.IMAGE_VARIATIONS}), "system")
"""The only model that ever made variations. It was shut down on 2026-05-12 and is not listed, but
still answers here, to show that the call passes through."""


RESULTS_FILE = "file-64bytes"
"""The results of every job: a file that can be downloaded (`gateway.demo.endpoints.files`)."""
_HYPERPARAMETERS = {"n_epochs": 4, "batch_size": 1, "learning_rate_multiplier": 1.0}


@dataclass(frozen=True, slots=True)
class Job:
    """One fine-tuning job; `checkpoints` maps a step to the checkpoint's model id.

    `messages` are the texts of its events, oldest first.
    """

    id: str
    model: str
    fine_tuned_model: str | None
    status: str = "succeeded"
    created: int = 1_721_764_800
    owner: str = "acme"
    checkpoints: dict[int, str] = field(default_factory=dict)
    training_file: str = "file-training"
    validation_file: str | None = None
    hyperparameters: Mapping[str, object] = field(default_factory=lambda: dict(_HYPERPARAMETERS))
    suffix: str | None = None
    messages: tuple[str, ...] = ()

    def record(self) -> dict[str, object]:
        """Return the job as /v1/fine_tuning/jobs lists it (openai-openapi, FineTuningJob)."""
        done = self.status == "succeeded"
        failed = {"code": "exceeded_quota", "message": "Quota exceeded.", "param": None}
        return {
            "object": "fine_tuning.job",
            "id": self.id,
            "model": self.model,
            "created_at": self.created,
            "finished_at": self.created + 3_600 if done else None,
            "fine_tuned_model": self.fine_tuned_model,
            "organization_id": f"org-{self.owner}",
            "result_files": [RESULTS_FILE] if done else [],
            "status": self.status,
            "validation_file": self.validation_file,
            "training_file": self.training_file,
            "hyperparameters": dict(self.hyperparameters),
            "trained_tokens": 5_768 if done else None,
            "error": failed if self.status == "failed" else None,
            "integrations": [],
            "seed": 0,
            "estimated_finish": None,
            "method": {
                "type": "supervised",
                "supervised": {"hyperparameters": dict(self.hyperparameters)},
            },
            "metadata": None,
        }

    def event_records(self) -> list[dict[str, object]]:
        """Return the job's events, latest first."""
        level = "error" if self.status == "failed" else "info"
        messages = self.messages or (f"The job is over: {self.status}",)
        return [
            {
                "object": "fine_tuning.job.event",
                "id": f"ftevent-{self.id.removeprefix('ftjob-')}-{number}",
                "created_at": self.created + number,
                "level": level,
                "message": messages[number],
                "data": {},
                "type": "message",
            }
            for number in reversed(range(len(messages)))
        ]

    def checkpoint_records(self) -> list[dict[str, object]]:
        """Return the checkpoints, latest first."""
        return [
            {
                "object": "fine_tuning.job.checkpoint",
                "id": f"ftckpt_{self.id.removeprefix('ftjob-')}{step}",
                "created_at": self.created + step,
                "fine_tuned_model_checkpoint": self.checkpoints[step],
                "metrics": {"full_valid_loss": 0.134, "full_valid_mean_token_accuracy": 0.874},
                "fine_tuning_job_id": self.id,
                "step_number": step,
            }
            for step in sorted(self.checkpoints, reverse=True)
        ]


def failed_jobs(number: int) -> list[Job]:
    """Return the jobs that came to nothing: they are newest, so they fill the first pages."""
    return [
        Job(f"ftjob-failed{n:04d}", "gpt-4o-mini-2024-07-18", None, "failed", 1_721_900_000 - n)
        for n in range(number)
    ]


FINISHED_JOBS = (
    Job("ftjob-support7", "gpt-4o-mini-2024-07-18", "acme-support-v7"),
    Job("ftjob-writer2", "davinci-002", "acme-writer-v2", created=1_721_764_700),
    Job(
        "ftjob-turbo",
        "gpt-3.5-turbo-0613",
        "ft:gpt-3.5-turbo-0613:acme:bot:8abc1234",
        created=1_692_661_014,
        checkpoints={84: "ft:gpt-3.5-turbo-0613:acme:bot:8abc1230:ckpt-step-84"},
    ),
    Job(
        "ftjob-davinci",
        "davinci-002",
        "ft:davinci-002:acme:bot:8def5678",
        created=1_692_661_000,
        checkpoints={42: "ft:davinci-002:acme:bot:8def5670:ckpt-step-42"},
    ),
    Job("ftjob-diary", "davinci-002", PRIVATE_MODEL, created=1_692_660_000, owner="secretive"),
)
