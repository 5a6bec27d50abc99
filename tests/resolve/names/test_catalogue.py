import copy
import string
from datetime import date
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.names.catalogue import OTHER_ENDPOINTS, Catalogue, CatalogueEntry
from gateway.resolve.names.model_ids import base_of, is_plausible, strip_prefix
from gateway.servers import PROFILES, Profile
from gateway.shapes import Shape
from tests import kinds

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
CATALOGUE = Catalogue.load()


def lookup(model_id: str, kind: Profile = kinds.OPENAI) -> CatalogueEntry:
    entry = CATALOGUE.lookup(model_id, kind)
    assert entry is not None
    return entry


def witnesses(pattern: str) -> set[str]:
    """Return ids that the pattern matches, as different as its star allows."""
    return {pattern.replace("*", middle) for middle in ("", "x", "-x", "1", "-2031-01-01", "zz:9")}


@pytest.mark.parametrize("entry", CATALOGUE.entries, ids=lambda entry: entry.pattern)
def test_every_entry_is_reached_by_some_id(entry: CatalogueEntry) -> None:
    kind = kinds.ANTHROPIC if entry.endpoints == (Shape.MESSAGES,) else kinds.OPENAI
    found = [CATALOGUE.lookup(model_id, kind) for model_id in witnesses(entry.pattern)]
    assert any(each is entry for each in found)


def test_no_pattern_is_written_twice_and_all_are_globs_of_stars() -> None:
    patterns = [entry.pattern for entry in CATALOGUE.entries]
    assert len(set(patterns)) == len(patterns) > 190
    assert not any(set(pattern) & set("?[]! \t") for pattern in patterns)


@pytest.mark.parametrize("entry", CATALOGUE.entries, ids=lambda entry: entry.pattern)
def test_every_entry_is_consistent_in_itself(entry: CatalogueEntry) -> None:
    assert entry.retired is None or date(2020, 6, 11) < entry.retired < date(2030, 1, 1)
    assert len(set(entry.endpoints)) == len(entry.endpoints)
    assert set(entry.other_endpoints) <= OTHER_ENDPOINTS
    assert entry.quirks <= CATALOGUE.quirks.keys()
    if "responses_only" in entry.quirks:
        assert entry.endpoints == (RESPONSES,)
    if "completions_only" in entry.quirks:
        assert entry.endpoints == (COMPLETIONS,)
    if {"chat_tools_need_effort_none", "tools_responses_only"} & entry.quirks:
        assert {CHAT, RESPONSES} <= set(entry.endpoints)
    if "edits_only" in entry.quirks:
        assert (entry.endpoints, entry.other_endpoints) == ((), ("edits",))
    if not entry.endpoints and not entry.other_endpoints:
        assert entry.pattern == "ft:*" or entry.pattern.endswith("-completions")


def test_every_quirk_has_a_meaning_and_is_used() -> None:
    used = {quirk for entry in CATALOGUE.entries for quirk in entry.quirks}
    assert used == CATALOGUE.quirks.keys()
    assert all(CATALOGUE.quirks.values())


@pytest.mark.parametrize(
    ("model_id", "endpoints"),
    [
        ("davinci-002", (COMPLETIONS,)),
        ("babbage-002", (COMPLETIONS,)),
        ("gpt-3.5-turbo-instruct", (COMPLETIONS,)),
        ("gpt-3.5-turbo-instruct-0914", (COMPLETIONS,)),
        ("text-davinci-003", (COMPLETIONS,)),
        ("curie", (COMPLETIONS,)),
        ("curie:ft-acmeco-2021-03-03-21-44-20", (COMPLETIONS,)),
        ("ft:davinci-002:my-org::7q8mpxmy", (COMPLETIONS,)),
        ("ft:gpt-3.5-turbo-0613:jwe-dev::7qnxQ0sQ", (CHAT,)),
        ("ft:gpt-4o-mini-2024-07-18:o:s:96olL566:ckpt-step-2000", (CHAT, RESPONSES)),
        ("ft:o4-mini-2025-04-16:o:s:96olL566", (CHAT, RESPONSES)),
        ("gpt-3.5-turbo", (CHAT,)),
        ("gpt-3.5-turbo-0125", (CHAT,)),
        ("gpt-3.5-turbo-16k", (CHAT,)),
        ("gpt-4", (CHAT,)),
        ("gpt-4-turbo-2024-04-09", (CHAT,)),
        ("gpt-4o", (CHAT, RESPONSES)),
        ("gpt-4o-2024-05-13", (CHAT,)),
        ("gpt-4o-mini-2024-07-18", (CHAT, RESPONSES)),
        ("gpt-4o-search-preview", (CHAT,)),
        ("gpt-4o-audio-preview", (CHAT,)),
        ("gpt-4.1-nano", (CHAT, RESPONSES)),
        ("o1", (CHAT, RESPONSES)),
        ("o1-mini", (CHAT,)),
        ("o1-pro", (RESPONSES,)),
        ("o1-pro-2025-03-19", (RESPONSES,)),
        ("o3", (CHAT, RESPONSES)),
        ("o3-pro", (RESPONSES,)),
        ("o3-deep-research-2025-06-26", (RESPONSES,)),
        ("codex-mini-latest", (RESPONSES,)),
        ("computer-use-preview", (RESPONSES,)),
        ("gpt-5", (CHAT, RESPONSES)),
        ("gpt-5-2025-08-07", (CHAT, RESPONSES)),
        ("gpt-5-codex", (RESPONSES,)),
        ("gpt-5-pro", (RESPONSES,)),
        ("gpt-5.1-codex-max", (RESPONSES,)),
        ("gpt-5.2", (CHAT, RESPONSES)),
        ("gpt-5.2-codex", (RESPONSES,)),
        ("gpt-5.4-pro-2026-03-05", (RESPONSES,)),
        ("gpt-5.4", (CHAT, RESPONSES)),
        ("gpt-5.5-pro", (RESPONSES,)),
        ("gpt-5.6-sol", (CHAT, RESPONSES)),
        ("gpt-6-astra", (CHAT, RESPONSES)),
        ("gpt-6.1-terra", (CHAT, RESPONSES)),
        ("gpt-6.2-sol-2026-12-01", (CHAT, RESPONSES)),
        ("gpt-6-pro", (RESPONSES,)),
        ("gpt-5.6-codex-mini", (RESPONSES,)),
        ("gpt-7-pro-2027-01-01", (RESPONSES,)),
        ("gpt-5.7-provider", None),
        ("gpt-7-of-the-future", None),
        ("gpt-audio-mini", (CHAT,)),
        ("llama-3.1-8b-instant", None),
        ("my-deployment", None),
    ],
)
def test_well_known_models_are_where_they_are(
    model_id: str, endpoints: tuple[Shape, ...] | None
) -> None:
    entry = CATALOGUE.lookup(model_id, kinds.OPENAI)
    assert (entry and entry.endpoints) == endpoints


@pytest.mark.parametrize(
    ("model_id", "others"),
    [
        ("text-embedding-3-small", ("embeddings",)),
        ("text-similarity-ada-001", ("embeddings",)),
        ("text-davinci-edit-001", ("edits",)),
        ("gpt-image-1", ("images/generations",)),
        ("dall-e-3", ("images/generations",)),
        ("whisper-1", ("audio/transcriptions",)),
        ("gpt-transcribe", ("audio/transcriptions",)),
        ("gpt-4o-mini-tts", ("audio/speech",)),
        ("tts-1-hd-1106", ("audio/speech",)),
        ("gpt-4o-mini-transcribe", ("audio/transcriptions",)),
        ("gpt-live-1", ("live/sessions",)),
        ("gpt-live-transcribe", ("realtime",)),
        ("gpt-4o-realtime-preview-2025-06-03", ("realtime",)),
        ("omni-moderation-latest", ("moderations",)),
        ("sora-2-pro", ("videos",)),
    ],
)
def test_models_that_generate_no_text_are_at_other_endpoints(
    model_id: str, others: tuple[str, ...]
) -> None:
    entry = lookup(model_id)
    assert entry.endpoints == ()
    assert entry.other_endpoints == others


def test_a_model_may_have_endpoints_of_both_sorts() -> None:
    entry = lookup("gpt-6-luna")
    assert (entry.endpoints, entry.other_endpoints) == ((CHAT, RESPONSES), ("decisions",))


def test_shutdown_dates_past_and_announced_are_given_as_dates() -> None:
    assert lookup("text-davinci-003").retired == date(2024, 1, 4)
    assert lookup("gpt-3.5-turbo-instruct").retired == date(2026, 9, 28)
    assert lookup("ft:davinci-002:o:s:abc").retired == date(2026, 10, 23)
    assert lookup("gpt-4o").retired == date(2027, 1, 14)
    assert lookup("gpt-5.4").retired is None


def test_the_quirks_say_what_a_model_refuses() -> None:
    assert "chat_tools_need_effort_none" in lookup("gpt-5.4").quirks
    assert "tools_responses_only" in lookup("gpt-6-astra").quirks
    assert "max_completion_tokens_only" in lookup("o3-mini").quirks
    assert "no_echo_with_logprobs" in lookup("gpt-3.5-turbo-instruct").quirks
    assert lookup("gpt-4o").quirks == {"no_reasoning_effort", "no_verbosity"}
    assert "no_verbosity" in lookup("o3").quirks
    assert not {"no_reasoning_effort", "no_verbosity"} & lookup("gpt-5").quirks


def test_special_names_come_before_their_family() -> None:
    assert lookup("gpt-4o-mini-tts").pattern == "gpt-4o-mini-tts*"
    assert lookup("gpt-4o-mini").pattern == "gpt-4o-mini*"
    assert lookup("gpt-5.1-codex-mini").pattern == "gpt-5.1-codex-mini*"
    assert lookup("ft:gpt-4.1-nano:o:s:abc").pattern == "ft:gpt-4.1-nano*"


@pytest.mark.parametrize("prefix", ["openai/", "azure/", "azure/openai/", "models/"])
def test_routing_prefixes_are_looked_through(prefix: str) -> None:
    assert lookup(f"{prefix}gpt-5-codex") is lookup("gpt-5-codex")


def test_an_entry_written_with_its_prefix_is_found_as_written() -> None:
    assert lookup("openai/gpt-oss-20b").pattern == "openai/gpt-oss*"
    assert lookup("gpt-oss-20b").pattern == "gpt-oss*"


@pytest.mark.parametrize(
    "model_id",
    ["", "gpt-4o\n", "gpt-4o\0", "\ud800", "gpt-4o" + "-" * 100_000, "*" * 50_000, "GPT-4O"],
    ids=["empty", "newline", "nul", "surrogate", "endless", "stars", "case"],
)
def test_what_is_not_a_model_id_is_not_found(model_id: str) -> None:
    assert CATALOGUE.lookup(model_id, kinds.OPENAI) is None


FAMILY_NAMES = st.sampled_from(
    ["ft:", "openai/", "azure/", "gpt-", "4o", "5", ".1", "-mini", "-pro", "-codex", "o3", "curie"]
)


@given(
    st.lists(FAMILY_NAMES, max_size=6).map("".join)
    | st.text(string.ascii_lowercase + string.digits + "-.:/*", max_size=60)
    | st.text(max_size=20)
)
def test_of_all_patterns_that_match_the_first_wins(model_id: str) -> None:
    names = (model_id, strip_prefix(model_id)) if is_plausible(model_id) else ()
    matches = (
        entry for name in names for entry in CATALOGUE.entries if fnmatchcase(name, entry.pattern)
    )
    first = next(matches, None)
    if first is not None and first.endpoints == (Shape.MESSAGES,):
        first = None  # Anthropic's names mean nothing at OpenAI
    assert CATALOGUE.lookup(model_id, kinds.OPENAI) is first


@pytest.mark.parametrize("kind", PROFILES)
def test_a_name_means_openais_model_only_where_names_are_openais(kind: Profile) -> None:
    assert kind.has_openai_names == (kind in {kinds.OPENAI, kinds.AZURE, kinds.GITHUB})
    assert (CATALOGUE.lookup("openai/gpt-4o", kind) is not None) == kind.has_openai_names


@pytest.mark.parametrize("kind", PROFILES)
def test_a_name_means_anthropics_model_at_anthropic_only(kind: Profile) -> None:
    found = CATALOGUE.lookup("claude-opus-4-8-20260801", kind)
    assert (found is not None) == (kind is kinds.ANTHROPIC)
    assert CATALOGUE.lookup("gpt-4o", kinds.ANTHROPIC) is None


def test_claude_families_say_what_they_refuse() -> None:
    def quirks(model_id: str) -> frozenset[str]:
        return lookup(model_id, kinds.ANTHROPIC).quirks

    assert "no_manual_thinking" in quirks("claude-opus-4-7") & quirks("claude-sonnet-5")
    assert "late_system" not in quirks("claude-opus-4-7")
    assert "adaptive_thinking_only" in quirks("claude-fable-5")
    sonnet = quirks("claude-sonnet-5-5-20260901")
    assert sonnet ^ quirks("claude-opus-5-5") == {
        "adaptive_thinking_only",
        "between_tools_thinking",
    }
    for unforced in ("claude-fable-5-1", "claude-mythos-5-1", "claude-opus-5-5-20260901"):
        assert quirks(unforced) == quirks("claude-fable-5") | {"no_forced_tools"}
    for model_id in ("claude-opus-5", "claude-sonnet-5", "claude-haiku-5-5"):
        assert quirks(model_id) == quirks("claude-opus-4-8")
    assert quirks("claude-3-haiku-20240307") == frozenset()


def test_azure_keeps_its_own_calendar_and_spelling() -> None:
    entry = lookup("gpt-4o", kinds.AZURE)
    assert (entry.endpoints, entry.retired, entry.replacement) == ((CHAT, RESPONSES), None, None)
    assert lookup("gpt-35-turbo-instruct", kinds.AZURE).endpoints == (COMPLETIONS,)
    base = base_of("gpt-35-turbo-0613.ft-b044a9d3cf9c4228b5d393567f693b83")
    assert base is not None
    assert lookup(base, kinds.AZURE).endpoints == (CHAT,)


def test_github_models_has_openais_models_below_openai_and_serves_them_at_chat() -> None:
    entry = lookup("openai/gpt-5", kinds.GITHUB)
    assert (entry.endpoints, entry.retired) == ((CHAT,), None)
    assert "max_completion_tokens_only" in entry.quirks
    assert lookup("openai/o1-pro", kinds.GITHUB).endpoints == ()
    assert CATALOGUE.lookup("gpt-5", kinds.GITHUB) is None
    assert CATALOGUE.lookup("meta/gpt-5", kinds.GITHUB) is None


def test_a_snapshot_derives_from_a_name_that_the_catalogue_has() -> None:
    base = base_of("davinci:2020-05-03")
    assert base is not None
    assert lookup(base).endpoints == (COMPLETIONS,)


def test_the_packaged_catalogue_is_read_once() -> None:
    assert Catalogue.load() is Catalogue.load()


SMALL = """
quirks: {slow: takes its time}
models:
  - {match: [a, "b*"], at: [chat, videos], retired: 2026-01-02, replacement: c, quirks: [slow]}
  - {match: "*", at: []}
"""


def test_a_catalogue_is_read_from_yaml_in_its_order() -> None:
    catalogue = Catalogue.from_yaml(SMALL)
    facts = {
        "endpoints": (CHAT,),
        "other_endpoints": ("videos",),
        "retired": date(2026, 1, 2),
        "replacement": "c",
        "quirks": frozenset({"slow"}),
    }
    assert catalogue.entries == (
        CatalogueEntry("a", **facts),  # type: ignore[arg-type]
        CatalogueEntry("b*", **facts),  # type: ignore[arg-type]
        CatalogueEntry("*"),
    )
    found = catalogue.lookup("b-2", kinds.OPENAI)
    assert found is catalogue.entries[1]
    assert catalogue.lookup("z", kinds.OPENAI) is catalogue.entries[2]


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("at: []", "at: [telepathy]", r"unknown endpoints \['telepathy'\]"),
        ("quirks: [slow]", "quirks: [quick]", r"unknown quirks \['quick'\]"),
        ("retired: 2026-01-02", "retired: soon", "unknown date 'soon'"),
        ("retired: 2026-01-02", "retired: 2026-01-02 03:04:05", "unknown date"),
        ("replacement: c", "instead: c", r"unknown keys \['instead'\]"),
    ],
)
def test_a_faulty_catalogue_is_refused(right: str, wrong: str, complaint: str) -> None:
    assert right in SMALL
    with pytest.raises(ValueError, match=complaint):
        Catalogue.from_yaml(SMALL.replace(right, wrong))


def test_the_packages_catalogue_is_read_once() -> None:
    assert Catalogue.load() is Catalogue.load()


def test_a_copy_from_another_process_takes_the_place_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Catalogue.load()
    monkeypatch.setattr(Catalogue, "_loaded", None)
    there = copy.copy(here)
    assert there is not here
    assert (there.entries, there.quirks) == (here.entries, here.quirks)
    Catalogue.adopt(there)
    assert Catalogue.load() is there
    assert there.lookup("gpt-4o", kinds.OPENAI) is not None
