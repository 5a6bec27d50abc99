"""The profile of a server software: all that the gateway knows of it.

Every default is right for an unknown server.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.servers.presets import UNKNOWN, Changes
from gateway.servers.reading import Abilities, Capability
from gateway.shapes import Json, Shape

Tuning = Literal["penalties", "seed", "temperature", "top_p"]
"""Capabilities that only tune the output: a reply without them is closer to what was asked for than
an error."""


@dataclass(frozen=True, slots=True)
class MetadataCall:
    """One look-up: a GET, or with a `body` a POST.

    `root`: the path is below the server's root instead of the base URL.
    """

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
class OpenAIModels:
    """Says that OpenAI's names mean OpenAI's models on a server, and how they are served there."""

    below: str = ""
    """The prefix of the ids of OpenAI's models on the server."""
    endpoints: tuple[Shape, ...] = ()
    """The only endpoints that the server has for them; empty: the same as at OpenAI."""
    keeps_calendar: bool = False
    """Whether the server shuts these models down on OpenAI's dates."""


def _nothing(_: object) -> None:
    """Return None for any argument."""


def any_path(_path: str) -> None:
    """Doubt no path: the server listens at its root, too."""


def path_below(usual: str) -> Callable[[str], str | None]:
    """Return a doubt about base URLs without a path, for a server that listens below `usual`."""
    return lambda path: None if path else f"has no path; the server listens below {usual}"


def _probably_v1(path: str) -> str | None:
    return None if path else "has no path; most servers listen below /v1"


def _never(_: object) -> bool:
    return False


def _always(_base: str, _entry: Json, _name: str) -> bool:
    return True


def _no_names(_entry: Json, _name: str) -> Iterable[str]:
    return ()


def _as_asked(_name: str) -> None:
    """Return None: a list has every name that the server takes."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Profile:
    """All that the gateway knows of one server software.

    Compared by identity, so that a profile can be a key.
    """

    name: str
    """Its name as a configuration's `kind`."""
    is_unknown: bool = False
    """Whether it stands for servers of which nothing is known."""
    tried: str = ""
    """The version that was tried; empty: known from its documentation or source only."""

    # --- addresses ---
    hosts: tuple[str, ...] = ()
    """Host names that serve nothing else, their sub-domains included (`eu.api.openai.com`)."""
    path_fault: Callable[[str], tuple[str, str] | None] = _nothing
    """The path of a base URL → what is wrong with it, and what to write instead."""
    path_doubt: Callable[[str], str | None] = _probably_v1
    """The path of a base URL → what is probably unintended."""
    deployments: bool = False
    """Whether it has Azure's paths: a model is a deployment, and named in the path."""
    key_header: bytes = b""
    """The header field of the key; empty: `Authorization`, as a bearer token."""
    messages_key_header: bytes = b""
    """The same below a `messages_url`, where another service answers; empty: `key_header`."""
    has_sockets: bool = False
    """Whether it serves responses on WebSockets, too."""
    needs_version: bool = False
    """Whether every request needs `anthropic-version`, and may have Anthropic's other fields."""

    # --- recognition ---
    is_front: bool = False
    """Whether it relays other servers, whose lists keep their marks."""
    header_mark: Callable[[Mapping[str, str]], bool] = _never
    """Whether a model list's reply headers (names in lower case) show the software."""
    marks: tuple[Callable[[Json], bool], ...] = ()
    """Each says whether the software wrote an entry of a model list."""
    bare_marks: tuple[Callable[[Json], bool], ...] = ()
    """The same for lists without an envelope."""
    list_mark: Callable[[Sequence[Json]], bool] = _never
    """The same for all entries together, if one alone proves nothing."""

    # --- what to ask about models ---
    model_list: MetadataCall = MetadataCall("/models")
    further_lists: tuple[MetadataCall, ...] = ()
    """Lists with a capability field, if the model list has none; alternatives, best first."""
    about_server: tuple[MetadataCall, ...] = ()
    """Descriptions of the server, and so of any model it runs; alternatives, best first."""
    about_model: Callable[[str], MetadataCall | None] = _nothing
    """A model's name → the call that describes that model."""
    further_needs: str = ""
    """The configured header that further lists require; empty: none."""
    has_jobs: bool = True
    """Whether it may have fine-tuning jobs."""
    own_fine_tunes: bool = False
    """Whether its /v1/fine-tunes differs from OpenAI's."""

    # --- how to read an entry of a list, or a description ---
    name_keys: tuple[str, ...] = ("id",)
    """The keys of a model's name, best first."""
    other_names: Callable[[Json, str], Iterable[str]] = _no_names
    """An entry and its name → the model's other names."""
    listed_as: Callable[[str], str | None] = _as_asked
    """A name that a list lacks → the one by which it can have the model (Ollama's `:latest`)."""
    capability: Callable[[Json], Capability | None] = _nothing
    """An entry → what it says about the model's endpoints; None: nothing."""
    abilities: Callable[[Json], Abilities | None] = _nothing
    """An entry → what the model takes; None: nothing is said."""
    base_fields: tuple[str, ...] = ()
    """The fields (`details.parent_model`) that name the base of a model."""
    is_base: Callable[[str, Json, str], bool] = _always
    """The value of such a field, its entry and the model's name → whether it means a base model."""
    shutdown_field: str = ""
    """A field with the shutdown of a model in Unix seconds, beside `shutdown_date`."""
    context_fields: tuple[str, ...] = ()
    """The fields of the served context length, best first.

    Not those that limit the input only (Gemini, GitHub Models, LiteLLM), nor the trained length if
    less may be loaded (llama.cpp's n_ctx_train, LM Studio, Ollama)."""
    instances: Callable[[Json], Iterable[Json] | None] = _nothing
    """An entry → the instances that may serve a request, each with a `context_length`, of which the
    smallest counts; None: the entry lists no instances."""

    # --- endpoints ---
    routes: frozenset[Shape] = frozenset()
    """The routes that it has for all models, by its documentation.

    If one is missing, the base URL is wrong, or the fault is temporary; it says nothing about the
    model. Empty for self-hosted software, whose routes depend on its version and options."""
    lacks: frozenset[Shape] = frozenset()
    """The routes that it certainly lacks, whatever the model: they are not tried."""
    order: Mapping[Shape, tuple[Shape, ...]] = field(default_factory=dict)
    """Client's shape → all endpoints, best first, for shapes whose own endpoint does not keep most.

    Needs evidence: passing a request through keeps all that the server itself keeps."""
    openai_models: OpenAIModels | None = None
    """How it has OpenAI's models; None: names are free, or it translates between endpoints."""
    has_claude_names: bool = False
    """Whether a name of Anthropic's means Anthropic's model on the server."""
    prompt_objects_end: bool = False
    """Whether its reusable prompts (`prompt`) are OpenAI's, which OpenAI shuts down."""

    # --- parameters ---
    capabilities: Changes = field(default_factory=lambda: UNKNOWN)
    """What its endpoints support (`translate/limits/capabilities.py`): what differs from OpenAI's.

    They decide how requests of other shapes are translated. A request that a client sends to the
    endpoint of its own shape stays as it is, except for `refuses` and what refusals have taught."""
    at_endpoint: Mapping[Shape, Changes] = field(default_factory=dict)
    """Capabilities that differ at one endpoint; only these can enable what the shape lacks."""
    refuses: frozenset[Tuning] = frozenset()
    """What it refuses at its own endpoints, whatever the model, instead of ignoring it."""
    refuses_more_stops: int = 0
    """The most stop sequences that it accepts; 0: unknown, or it ignores further ones."""
    strict_messages: bool = False
    """Whether it refuses unknown fields in messages for all models."""

    @property
    def has_openai_names(self) -> bool:
        """Whether a name of OpenAI's means OpenAI's model on the server."""
        return self.openai_models is not None

    @property
    def lists_abilities(self) -> bool:
        """Whether its model list says what each model takes."""
        return self.abilities is not _nothing

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__
