"""What to ask an upstream about its models, by the kind of server it runs. Pure.

Below the base URL every server has `/models`; what says more than names is elsewhere, and often
beside the `/v1`: LM Studio's REST API, Ollama's `docs/api.md`, LocalAI's `api-discovery.md`,
LiteLLM's `model_management.md`, SGLang's native API, llama.cpp's `tools/server/README.md`, the
description of text-generation-inference, GitHub's catalog REST API, Gemini's `models.list`.
"""

from dataclasses import dataclass
from urllib.parse import quote

from gateway.config.settings import Kind, UpstreamSettings
from gateway.resolve.names.model_ids import is_plausible
from gateway.shapes import Json


@dataclass(frozen=True, slots=True)
class MetadataCall:
    """One look-up: a GET, or with a `body` a POST; `root`: below the server's root."""

    path: str
    query: str = ""
    root: bool = False
    body: Json | None = None

    @property
    def method(self) -> str:
        """The request method."""
        return "GET" if self.body is None else "POST"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class FurtherCalls:
    """What tells more than the model list. Several of one sort are alternatives, best first."""

    lists: tuple[MetadataCall, ...] = ()
    """Lists with a capability field, for servers whose list at `/models` has none."""
    server: tuple[MetadataCall, ...] = ()
    """Describe the server, and so whatever model it runs."""
    model: tuple[MetadataCall, ...] = ()
    """Describe the one model that is asked for."""


_MODEL_LIST = MetadataCall("/models")
_MODEL_LISTS = {
    # Its inference API has no list.
    Kind.GITHUB: MetadataCall("/catalog/models", root=True),
}
_FURTHER = {
    Kind.LMSTUDIO: FurtherCalls(
        lists=(
            MetadataCall("/api/v1/models", root=True),
            MetadataCall("/api/v0/models", root=True),
        )
    ),
    Kind.LOCALAI: FurtherCalls(lists=(MetadataCall("/models/capabilities"),)),
    # Served with and without /v1, whichever the base URL has.
    Kind.LITELLM: FurtherCalls(lists=(MetadataCall("/model/info"),)),
    Kind.SGLANG: FurtherCalls(
        server=(
            MetadataCall("/model_info", root=True),
            MetadataCall("/get_model_info", root=True),
        )
    ),
    Kind.LLAMACPP: FurtherCalls(server=(MetadataCall("/props", root=True),)),
    Kind.TGI: FurtherCalls(server=(MetadataCall("/info", root=True),)),
}
_GEMINI_NATIVE = FurtherCalls(lists=(MetadataCall("/models", "pageSize=1000", root=True),))
_GEMINI_NATIVE_KEY = "x-goog-api-key"


def model_list(kind: Kind) -> MetadataCall:
    """Return the call for the model list."""
    return _MODEL_LISTS.get(kind, _MODEL_LIST)


def further_calls(upstream: UpstreamSettings, kind: Kind, model: str) -> FurtherCalls:
    """Return the calls that can tell more about a model on a server of this kind."""
    if kind is Kind.OLLAMA and is_plausible(model):
        return FurtherCalls(model=(MetadataCall("/api/show", root=True, body={"model": model}),))
    if kind is Kind.GEMINI:
        # The native API takes no bearer keys: without one of its own it would refuse every time.
        has_key = any(name.lower() == _GEMINI_NATIVE_KEY for name, _ in upstream.headers)
        return _GEMINI_NATIVE if has_key else FurtherCalls()
    return _FURTHER.get(kind, FurtherCalls())


def job_list(after: str | None) -> MetadataCall:
    """Return the call for a page of fine-tuning jobs: the first, or the one after a job."""
    cursor = f"&after={quote(after, safe='')}" if after else ""
    return MetadataCall("/fine_tuning/jobs", f"limit=100{cursor}")


def checkpoint_list(job: str) -> MetadataCall:
    """Return the call for the checkpoints of a job."""
    return MetadataCall(f"/fine_tuning/jobs/{quote(job, safe='')}/checkpoints", "limit=100")
