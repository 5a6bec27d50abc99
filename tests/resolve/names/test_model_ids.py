import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.names.model_ids import (
    MAX_ID_LENGTH,
    ROUTING_PREFIXES,
    DerivedModel,
    Grammar,
    derive,
    is_plausible,
    model_name,
    strip_prefix,
)
from tests.resolve.payloads import JSON

JOB = "b044a9d3cf9c4228b5d393567f693b83"
OPENAI, MISTRAL, AZURE = (
    Grammar.OPENAI_FINE_TUNE,
    Grammar.MISTRAL_FINE_TUNE,
    Grammar.AZURE_FINE_TUNE,
)
LEGACY, SNAPSHOT, LENIENT = (
    Grammar.OPENAI_LEGACY_FINE_TUNE,
    Grammar.SNAPSHOT,
    Grammar.LENIENT_FINE_TUNE,
)


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        (
            "ft:gpt-3.5-turbo-0613:jwe-dev::7qnxQ0sQ",
            DerivedModel(OPENAI, "gpt-3.5-turbo-0613", organisation="jwe-dev", job="7qnxQ0sQ"),
        ),
        (
            "ft:davinci-002:my-org:custom_suffix:7q8mpxmy",
            DerivedModel(OPENAI, "davinci-002", "my-org", "custom_suffix", "7q8mpxmy"),
        ),
        (
            "ft:gpt-4o-mini:acemeco:suffix:abc123",
            DerivedModel(OPENAI, "gpt-4o-mini", "acemeco", "suffix", "abc123"),
        ),
        (
            "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:96olL566:ckpt-step-2000",
            DerivedModel(
                OPENAI,
                "gpt-4o-mini-2024-07-18",
                "my-org",
                "custom-suffix",
                "96olL566",
                step=2000,
            ),
        ),
        (
            "ft:gpt-4o-mini-2024-07-18:crewai::DyJG7Q9N:ckpt-step-84",
            DerivedModel(OPENAI, "gpt-4o-mini-2024-07-18", "crewai", None, "DyJG7Q9N", step=84),
        ),
        (
            "ft:curie:ft-acme:ft-suffix:abc123",
            DerivedModel(OPENAI, "curie", "ft-acme", "ft-suffix", "abc123"),
        ),
        (
            "ft:gpt-4:::abc123",
            DerivedModel(OPENAI, "gpt-4", job="abc123"),
        ),
        (
            "curie:ft-acmeco-2021-03-03-21-44-20",
            DerivedModel(LEGACY, "curie", "acmeco", created="2021-03-03-21-44-20"),
        ),
        (
            "ada:ft-your-org:custom-model-name-2022-02-15-04-21-04",
            DerivedModel(
                LEGACY, "ada", "your-org", "custom-model-name", created="2022-02-15-04-21-04"
            ),
        ),
        (
            "davinci:ft-personal-2023-03-15-09-11-14",
            DerivedModel(LEGACY, "davinci", "personal", created="2023-03-15-09-11-14"),
        ),
        (
            f"gpt-35-turbo-0613.ft-{JOB}",
            DerivedModel(AZURE, "gpt-35-turbo-0613", job=JOB),
        ),
        (
            f"gpt-35-turbo-0613.ft-{JOB}-rnc",
            DerivedModel(AZURE, "gpt-35-turbo-0613", suffix="rnc", job=JOB),
        ),
        (
            f"curie.ft-{JOB}:ckpt-step-10",
            DerivedModel(AZURE, "curie", job=JOB, step=10),
        ),
        (
            f"gpt-4.1-mini.ft-{JOB}-my-suffix:ckpt-step-7",
            DerivedModel(AZURE, "gpt-4.1-mini", suffix="my-suffix", job=JOB, step=7),
        ),
        (
            "ft:open-mistral-7b:587a6b29:20240514:7e773925",
            DerivedModel(MISTRAL, "open-mistral-7b", "587a6b29", None, "7e773925", "20240514"),
        ),
        (
            "ft:open-mistral-7b:abcd1234:20260101:my-great-model:efgh5678",
            DerivedModel(
                MISTRAL, "open-mistral-7b", "abcd1234", "my-great-model", "efgh5678", "20260101"
            ),
        ),
        (
            "ft:open-mistral-7b:my-great-model:xxx",
            DerivedModel(LENIENT, "open-mistral-7b"),
        ),
        ("ft:gpt-3.5-turbo", DerivedModel(LENIENT, "gpt-3.5-turbo")),
        ("ft:gpt-4o:org:suffix:id:ckpt-step-x", DerivedModel(LENIENT, "gpt-4o")),
        ("curie:2020-05-03", DerivedModel(SNAPSHOT, "curie", created="2020-05-03")),
        ("text-davinci:001", DerivedModel(SNAPSHOT, "text-davinci", created="001")),
        ("if-davinci:3.0.0", DerivedModel(SNAPSHOT, "if-davinci", created="3.0.0")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_id_that_carries_its_base_is_taken_apart(model_id: str, expected: DerivedModel) -> None:
    assert derive(model_id) == expected


@pytest.mark.parametrize(
    "model_id",
    [
        "gpt-4o-mini",
        "ftjob-abc123",
        "ft-AF1WoRqd3aJAHsqc9NY7iL8F",
        "ft-gpt-3.5-turbo",
        "llama3.2:latest",
        "deepseek-r1:14b",
        "meta-llama/Llama-3.3-70B-Instruct:fireworks-ai",
        "some/model:free",
        "curie:ft-acmeco",
        "curie:ft--2021-03-03-21-44-20",
        "ft:",
        "ft::org:suffix:id",
        "gpt-35-turbo-0613",
        "my.ft-deployment",
        "gpt-4o-mini-2024-07-18.ft-xyz",
        f"gpt-35-turbo-0613.ft-{JOB}x",
        f".ft-{JOB}",
        "accounts/fireworks/models/kimi-k2p6",
        "accounts/acct1/models/my-out",
        "fireworks/kimi",
        "accounts/x/deployments/y",
        "openpipe:moa-gpt-4o-v1",
        "sql-lora",
        "mahanth1112_3532/Qwen3-VL-8B-Instruct-magus-student-v1-abc",
        "",
    ],
)
def test_an_id_that_carries_no_base_gives_none(model_id: str) -> None:
    assert derive(model_id) is None


@pytest.mark.parametrize(
    ("model_id", "grammar"),
    [
        ("ft:open-mistral-7b:my-great-model:xxx", OPENAI),
        ("ft:gpt-3.5-turbo", OPENAI),
        ("ft:open-mistral-7b:abcd1234:20260101:my-great-model:efgh5678", OPENAI),
        ("ft:gpt-3.5-turbo-0613:jwe-dev::7qnxQ0sQ", MISTRAL),
        ("curie:2020-05-03", LEGACY),
    ],
)
def test_a_grammar_does_not_take_what_belongs_to_another(model_id: str, grammar: Grammar) -> None:
    derived = derive(model_id)
    assert derived is not None
    assert derived.grammar is not grammar


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("openai/ft:gpt-4o:o:s:abc", "ft:gpt-4o:o:s:abc"),
        ("azure/gpt-35-turbo", "gpt-35-turbo"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("text-completion-openai/davinci-002", "davinci-002"),
        ("azure/openai/gpt-4o", "gpt-4o"),
        ("[AWS] gpt-5-codex", "gpt-5-codex"),
        ("[channel 2]openai/gpt-4o", "gpt-4o"),
        ("[Kiro]_gpt-4o", "gpt-4o"),
        ("[AWS]", "[AWS]"),
        ("[] gpt-4o", "[] gpt-4o"),
        ("[a][b] gpt-4o", "[a][b] gpt-4o"),
        ("gpt-4o [AWS]", "gpt-4o [AWS]"),
        ("openai/", "openai/"),
        ("azure/openai/", "openai/"),
        ("accounts/a/models/m", "accounts/a/models/m"),
        ("meta-llama/Llama-3", "meta-llama/Llama-3"),
        ("", ""),
    ],
)
def test_routing_prefixes_are_stripped_and_nothing_else(written: str, own: str) -> None:
    assert strip_prefix(written) == own


@pytest.mark.parametrize("prefix", ROUTING_PREFIXES)
def test_a_routing_prefix_changes_nothing_that_an_id_says(prefix: str) -> None:
    model_id = "ft:davinci-002:my-org:custom_suffix:7q8mpxmy"
    assert derive(prefix + model_id) == derive(model_id)


@pytest.mark.parametrize(
    "model_id",
    [
        "ft:gpt-4o:org:suffix:abc\n",
        "ft:gpt-4o\n:org:suffix:abc",
        "ft:gpt-4o:org:suf\0fix:abc",
        "curie:ft-acmeco-2021-03-03-21-44-20\n",
        "ft:gpt 4o",
        "ft:gpt-4o:\ud800:s:abc",
        "ft:gpt-4o:org:suffix:abc\u2028",
        "curie:2020-05-0\u0663",
        "ft:" + "a" * 100_000,
        "ft:" + "a:" * 50_000,
        "a.ft-" * 20_000,
        "curie:ft-" + "-" * 100_000,
        "openai/" * 15_000,
        "curie:ft-a" + "-2021" * 20_000,
    ],
    ids=lambda model_id: model_id[:20].encode("unicode_escape").decode(),
)
def test_a_hostile_id_gives_none(model_id: str) -> None:
    assert derive(model_id) is None


def test_the_longest_ids_are_still_read_and_one_more_character_is_not() -> None:
    longest = "ft:" + "a" * (MAX_ID_LENGTH - 3)
    assert derive(longest) == DerivedModel(LENIENT, "a" * (MAX_ID_LENGTH - 3))
    assert not is_plausible(longest + "a")


NAME = st.text(string.ascii_lowercase + string.digits + "-._", min_size=1, max_size=20)
PLAIN = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)


@given(NAME, NAME | st.just(""), NAME | st.just(""), PLAIN, st.none() | st.integers(0, 10**9 - 1))
def test_every_openai_id_gives_its_parts_back(
    base: str, organisation: str, suffix: str, job: str, step: int | None
) -> None:
    checkpoint = "" if step is None else f":ckpt-step-{step}"
    derived = derive(f"ft:{base}:{organisation}:{suffix}:{job}{checkpoint}")
    assert derived is not None
    assert derived.base == base
    if derived.grammar is OPENAI:
        assert derived == DerivedModel(
            OPENAI, base, organisation or None, suffix or None, job, None, step
        )


@given(st.sampled_from(["ada", "babbage", "curie", "davinci"]), PLAIN, NAME | st.none())
def test_every_legacy_id_gives_its_parts_back(
    base: str, organisation: str, suffix: str | None
) -> None:
    created = "2022-02-15-04-21-04"
    middle = "" if suffix is None else f":{suffix}"
    assert derive(f"{base}:ft-{organisation}{middle}-{created}") == DerivedModel(
        LEGACY, base, organisation, suffix, created=created
    )


@given(st.text(max_size=200) | st.from_regex(r"(ft:)?[a-z.:/0-9-]{0,80}(ft-)?[0-9a-z]{0,40}"))
def test_any_text_is_read_without_an_error_and_a_base_is_a_clean_part_of_it(text: str) -> None:
    derived = derive(text)
    if derived is not None:
        assert derived.base in text
        assert re.fullmatch(r"[^:/\s]+", derived.base)
        assert derived.base.isprintable()


@given(st.text(max_size=40), st.lists(st.sampled_from(ROUTING_PREFIXES), max_size=4))
def test_stripping_prefixes_twice_is_stripping_them_once(name: str, prefixes: list[str]) -> None:
    stripped = strip_prefix("".join(prefixes) + name)
    assert strip_prefix(stripped) == stripped
    assert ("".join(prefixes) + name).endswith(stripped)


def test_a_model_name_is_the_first_of_its_keys_that_can_be_one() -> None:
    assert model_name({"id": "a\nb", "name": "c", "key": "d"}, "id", "name", "key") == "c"
    assert model_name({"id": 5}, "id", "name") is None


@given(JSON)
def test_a_model_name_is_read_out_of_anything(value: object) -> None:
    name = model_name({"id": value}, "id")
    assert name is None or name == value
