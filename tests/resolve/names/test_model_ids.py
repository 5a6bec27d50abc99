import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.names.model_ids import (
    MAX_ID_LENGTH,
    ROUTING_PREFIXES,
    base_of,
    is_plausible,
    model_name,
    strip_prefix,
)
from tests.resolve.payloads import JSON

JOB = "b044a9d3cf9c4228b5d393567f693b83"


@pytest.mark.parametrize(
    ("model_id", "base"),
    [
        ("ft:gpt-3.5-turbo-0613:jwe-dev::7qnxQ0sQ", "gpt-3.5-turbo-0613"),
        ("ft:davinci-002:my-org:custom_suffix:7q8mpxmy", "davinci-002"),
        (
            "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:96olL566:ckpt-step-2000",
            "gpt-4o-mini-2024-07-18",
        ),
        ("ft:curie:ft-acme:ft-suffix:abc123", "curie"),
        ("ft:gpt-4:::abc123", "gpt-4"),
        ("ft:gpt-3.5-turbo", "gpt-3.5-turbo"),
        ("ft:gpt-4o:org:suffix:id:ckpt-step-x", "gpt-4o"),
        ("curie:ft-acmeco-2021-03-03-21-44-20", "curie"),
        ("ada:ft-your-org:custom-model-name-2022-02-15-04-21-04", "ada"),
        (f"gpt-35-turbo-0613.ft-{JOB}", "gpt-35-turbo-0613"),
        (f"gpt-35-turbo-0613.ft-{JOB}-rnc", "gpt-35-turbo-0613"),
        (f"curie.ft-{JOB}:ckpt-step-10", "curie"),
        (f"gpt-4.1-mini.ft-{JOB}-my-suffix:ckpt-step-7", "gpt-4.1-mini"),
        ("ft:open-mistral-7b:587a6b29:20240514:7e773925", "open-mistral-7b"),
        ("ft:open-mistral-7b:abcd1234:20260101:my-great-model:efgh5678", "open-mistral-7b"),
        ("ft:open-mistral-7b:my-great-model:xxx", "open-mistral-7b"),
        ("curie:2020-05-03", "curie"),
        ("text-davinci:001", "text-davinci"),
        ("if-davinci:3.0.0", "if-davinci"),
    ],
)
def test_an_id_of_a_known_form_names_its_base(model_id: str, base: str) -> None:
    assert base_of(model_id) == base


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
def test_another_id_names_no_base(model_id: str) -> None:
    assert base_of(model_id) is None


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
    assert base_of(prefix + model_id) == base_of(model_id)


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
    assert base_of(model_id) is None


def test_the_longest_ids_are_still_read_and_one_more_character_is_not() -> None:
    longest = "ft:" + "a" * (MAX_ID_LENGTH - 3)
    assert base_of(longest) == "a" * (MAX_ID_LENGTH - 3)
    assert not is_plausible(longest + "a")


NAME = st.text(string.ascii_lowercase + string.digits + "-._", min_size=1, max_size=20)
PLAIN = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)


@given(NAME, NAME | st.just(""), NAME | st.just(""), PLAIN, st.none() | st.integers(0, 10**9 - 1))
def test_every_openai_id_gives_its_base_back(
    base: str, organisation: str, suffix: str, job: str, step: int | None
) -> None:
    checkpoint = "" if step is None else f":ckpt-step-{step}"
    assert base_of(f"ft:{base}:{organisation}:{suffix}:{job}{checkpoint}") == base


@given(st.sampled_from(["ada", "babbage", "curie", "davinci"]), PLAIN, NAME | st.none())
def test_every_legacy_id_gives_its_base_back(
    base: str, organisation: str, suffix: str | None
) -> None:
    middle = "" if suffix is None else f":{suffix}"
    assert base_of(f"{base}:ft-{organisation}{middle}-2022-02-15-04-21-04") == base


@given(st.text(max_size=200) | st.from_regex(r"(ft:)?[a-z.:/0-9-]{0,80}(ft-)?[0-9a-z]{0,40}"))
def test_any_text_is_read_without_an_error_and_a_base_is_a_clean_part_of_it(text: str) -> None:
    base = base_of(text)
    if base is not None:
        assert base in text
        assert re.fullmatch(r"[^:/\s]+", base)
        assert base.isprintable()


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
