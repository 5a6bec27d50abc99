"""What the gateway knows of one server software: the form of a profile.

Every field has a default that is right for a server of which nothing is known.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.servers.presets import UNKNOWN, Changes
from gateway.servers.reading import Capability
from gateway.shapes import Json, Shape


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
class OpenAIModels:
    """That names of OpenAI's mean OpenAI's models on a server, and what holds for them there."""

    below: str = ""
    """What their ids begin with."""
    endpoints: tuple[Shape, ...] = ()
    """The only endpoints that the server has for them; empty: all that they have at OpenAI."""
    keeps_calendar: bool = False
    """Whether they are shut down there on the days that OpenAI announces."""


def _nothing(_: object) -> None:
    """Say nothing, of whatever it is."""


def _never(_: object) -> bool:
    return False


def _always(_base: str, _entry: Json, _name: str) -> bool:
    return True


def _no_names(_entry: Json, _name: str) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Profile:
    """All that the gateway knows of one server software.

    Two are the same only if they are one object, so that a profile can be a key.
    """

    name: str
    """Its name as a configuration's `kind`."""
    tried: str = ""
    """The version whose behaviour was seen; empty: known from its documentation or source only."""

    # --- addresses ---
    hosts: tuple[str, ...] = ()
    """Host names that serve nothing else, their sub-domains included (`eu.api.openai.com`)."""
    path_fault: Callable[[str], tuple[str, str] | None] = _nothing
    """A base URL's path → what is wrong with it, and what to write instead."""
    path_doubt: Callable[[str], str | None] = _nothing
    """A base URL's path → what is probably not meant."""
    deployments: bool = False
    """Whether its paths are Azure's: a model is a deployment, and named in the path."""
    key_header: bytes = b""
    """The field that carries a key; empty: `Authorization`, as a bearer token."""

    # --- recognition ---
    is_front: bool = False
    """Whether it stands before other servers, and what it relays may bear their marks."""
    header_mark: Callable[[Mapping[str, str]], bool] = _never
    """Whether a model list's reply headers (names in lower case) show the software."""
    marks: tuple[Callable[[Json], bool], ...] = ()
    """Each tells by an entry of a model list whether the software wrote it."""
    bare_marks: tuple[Callable[[Json], bool], ...] = ()
    """The same for lists without an envelope, by software that sends such."""
    list_mark: Callable[[Sequence[Json]], bool] = _never
    """Tells by what all entries have in common, where one alone proves nothing."""

    # --- what to ask about models ---
    model_list: MetadataCall = MetadataCall("/models")
    further_lists: tuple[MetadataCall, ...] = ()
    """Lists with a capability field, if the model list has none; alternatives, the best first."""
    about_server: tuple[MetadataCall, ...] = ()
    """What describes the server, and so whatever model it runs; alternatives, the best first."""
    about_model: Callable[[str], MetadataCall | None] = _nothing
    """A model's name → what describes that one model."""
    further_needs: str = ""
    """The configured header without which further lists are refused; empty: none is needed."""
    has_jobs: bool = True
    """Whether it may have fine-tuning jobs."""
    own_fine_tunes: bool = False
    """Whether it has a /v1/fine-tunes of its own, of another shape than OpenAI's."""

    # --- how to read an entry of a list, or a description ---
    name_keys: tuple[str, ...] = ("id",)
    """The keys of a model's name, the best first."""
    other_names: Callable[[Json, str], Iterable[str]] = _no_names
    """An entry and its name → the model's other names."""
    capability: Callable[[Json], Capability | None] = _nothing
    """An entry → what it says about where the model lives; None: nothing."""
    base_fields: tuple[str, ...] = ()
    """The fields (`details.parent_model`) that name the model from which another is made."""
    is_base: Callable[[str, Json, str], bool] = _always
    """What such a field says, its entry and the entry's name → whether that means a base model."""
    shutdown_field: str = ""
    """A field with the time of a model's shutdown, in Unix seconds, beside `shutdown_date`."""
    context_fields: tuple[str, ...] = ()
    """The fields of the context length that is served, the best first.

    Left out: what bounds the input only (Gemini, GitHub Models, LiteLLM), and what a model was
    trained for where less may be loaded (llama.cpp's n_ctx_train, LM Studio, Ollama)."""
    instances: Callable[[Json], Iterable[Json] | None] = _nothing
    """What may serve a request, each with a `context_length`: the smallest counts."""

    # --- endpoints ---
    routes: frozenset[Shape] = frozenset()
    """The routes that it has whatever the model, by its own documentation.

    That one is missing says nothing of the model: the base URL is wrong, or it is a passing fault.
    Empty for software that people run themselves, for that depends on its version and options."""
    order: Mapping[Shape, tuple[Shape, ...]] = field(default_factory=dict)
    """Client's shape → all endpoints, the one that keeps most first, where that is not its own.

    Each needs evidence: relaying loses nothing that the server itself does not lose."""
    openai_models: OpenAIModels | None = None
    """None: names are free, or it moves OpenAI's models between endpoints by itself."""
    prompt_objects_end: bool = False
    """Whether its reusable prompts (`prompt`) are OpenAI's, which end."""

    # --- parameters ---
    capabilities: Changes = field(default_factory=lambda: UNKNOWN)
    """What its endpoints understand, as changes to what OpenAI's do."""
    at_endpoint: Mapping[Shape, Changes] = field(default_factory=dict)
    """What differs at one endpoint; this alone can turn on what the shape itself lacks."""
    refuses_more_stops: int = 0
    """How many stop sequences it takes, if it refuses more of its own clients; 0: it is silent."""
    strict_messages: bool = False
    """Whether it refuses fields that it does not know in messages, whatever the model."""

    @property
    def has_openai_names(self) -> bool:
        """Whether a name of OpenAI's means OpenAI's model there."""
        return self.openai_models is not None

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__
