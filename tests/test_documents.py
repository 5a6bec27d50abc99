"""The documents are true: their links, examples, tables and outputs are tried here."""

import asyncio
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from click import unstyle
from click.testing import CliRunner

from gateway import __version__, servers
from gateway.admin.counters.exposition import exposition
from gateway.admin.counters.metrics import Metrics
from gateway.cli import main
from gateway.config.json_schema import write_json_schema
from gateway.config.load import load
from gateway.config.reading.document import parse_document
from gateway.config.schema.configuration import SECTIONS, key_paths
from gateway.config.translation_settings import TemplateSettings
from gateway.demo import show
from gateway.errors import Reason, UnsupportedParameter
from gateway.observe.outcomes import Outcome, outcome_of
from gateway.observe.tracing.attributes import (
    CLIENT_ATTRIBUTES,
    FIRST_BYTE,
    SERVER_ATTRIBUTES,
)
from gateway.servers.presets import MANY_STOPS
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.request import TABLE as COMPLETIONS_PARAMETERS
from gateway.translate.contract import Context
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import can_translate, plan
from gateway.translate.prompt.write import render
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.messages import MESSAGES_HINTS, MESSAGES_PARAMETERS
from gateway.translate.schema.responses import RESPONSES_PARAMETERS
from tests import kinds
from tests.clients.running import Stage, stage
from tests.documents import (
    DOCUMENTS,
    ROOT,
    TRANSLATION,
    Block,
    all_blocks,
    anchors,
    commands,
    links,
    marked_table,
    marked_tables,
    prose,
    section,
    sections,
    table_after,
)
from tests.rows import module_fixture
from tests.test_layers import MAY_IMPORT
from tests.translate.messages_upstreams import CLAUDE

README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
LAYERS = ROOT / "docs" / "architecture" / "layers.md"
OPERATIONS = ROOT / "docs" / "operations.md"
OVERVIEW = ROOT / "docs" / "translation.md"
SERVERS = TRANSLATION / "servers.md"
HEADERS = {"authorization": f"Bearer {show.KEY}"}


def place(block: Block) -> str:
    return block.place


@module_fixture
def running() -> Iterator[Stage]:
    with stage() as both:
        yield both


@module_fixture
def demonstration() -> str:
    printed: list[str] = []
    assert asyncio.run(show.show(once=True, ports=show.Ports(), write=printed.append)) == 0
    return unstyle("\n".join(printed))


PUBLISHED = "https://github.com/endpoint-gateway/endpoint-gateway/blob/main/"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_to_a_file_and_a_heading(document: Path) -> None:
    for target in links(document):
        folder = ROOT if target.startswith(PUBLISHED) else document.parent
        inside = target.removeprefix(PUBLISHED)
        if re.match(r"https://", inside):
            continue
        path, _, fragment = inside.partition("#")
        file = (folder / path).resolve() if path else document
        assert file.is_file(), f"{document.name}: {target}"
        assert file.is_relative_to(ROOT)
        if fragment:
            assert fragment in anchors(file), f"{document.name}: {target}"


@pytest.mark.parametrize("overview", [OVERVIEW, ARCHITECTURE], ids=lambda path: path.name)
def test_every_page_of_a_subject_is_in_its_list_of_pages(overview: Path) -> None:
    folder = overview.with_suffix("")
    targets = re.findall(r"\]\(([^)#]+)", section(overview, "Pages"))
    assert {target for target in targets if "/" in target} == {
        f"{folder.name}/{page.name}" for page in folder.iterdir()
    }


def test_the_readme_can_be_read_where_the_package_is_published() -> None:
    """PyPI shows the README without the files beside it."""
    assert [link for link in links(README) if not link.startswith(("https://", "#"))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_key_that_a_document_names_exists(document: Path) -> None:
    paths = {".".join(str(part) for part in path[:2]) for path in key_paths()}
    for section_name, key in re.findall(r"`([a-z]+)\.([a-z0-9_]+)[`:]", prose(document)):
        if f"{section_name}.{key}" in CLIENT_ATTRIBUTES:
            continue
        if section_name in SECTIONS and section_name not in ("upstreams", "models", "clients"):
            assert f"{section_name}.{key}" in paths, f"{document.name}: {section_name}.{key}"


ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-x",
    "ADMIN_TOKEN": "t" * 16,
    "GATEWAY_SECRET": "s" * 32,
    "REDIS_PASSWORD": "p",
}
"""The variables of the examples."""


@pytest.mark.parametrize("block", all_blocks(language="yaml"), ids=place)
def test_every_configuration_example_can_be_loaded(block: Block, tmp_path: Path) -> None:
    (tmp_path / "llama.jinja").write_text("{{ messages }}", "utf-8")
    file = tmp_path / "config.yaml"
    file.write_text(block.text, "utf-8")
    settings = load(file, ENVIRONMENT)
    assert settings.upstreams
    data = parse_document(block.text, block.text.encode()).data
    jsonschema.Draft202012Validator(write_json_schema()).validate(data)


@pytest.mark.parametrize("block", all_blocks(language="console"), ids=place)
def test_every_console_example_prints_what_the_document_shows(block: Block, running: Stage) -> None:
    environment = {
        "OPENAI_API_KEY": show.KEY,
        "GATEWAY_UPSTREAMS__OPENAI__BASE_URL": running.upstream.base_url,
        "GATEWAY_UPSTREAMS__OPENAI__KIND": "openai",
        "COLUMNS": "100",
    }
    examples = list(commands(block))
    assert examples
    for command, output in examples:
        words = shlex.split(command)
        fed = ""
        if words[0] == "echo":
            assert words[2] == "|"
            fed, words = words[1] + "\n", words[3:]
        assert words[0] == "gateway"
        result = CliRunner().invoke(main, words[1:], input=fed, env=environment)
        assert _without_trailing_space(result.output) == output.rstrip("\n"), command


def _without_trailing_space(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n")


def test_the_demonstration_in_the_readme_is_what_the_demo_prints(demonstration: str) -> None:
    (block,) = all_blocks(marker="demo")
    shown = block.text.strip("\n").split("\n\n")
    assert len(shown) > 1
    assert set(shown) <= set(demonstration.strip("\n").split("\n\n"))


@pytest.mark.parametrize("block", all_blocks(marker="headers: "), ids=place)
def test_the_headers_shown_are_those_of_a_real_reply(block: Block, running: Stage) -> None:
    reply = _call(running, block.marker.removeprefix("headers: "))
    assert reply.status_code == 200
    ours = [f"{name}: {value}" for name, value in reply.headers.items() if "gateway" in name]
    assert ours == block.text.splitlines()


@pytest.mark.parametrize("block", all_blocks(marker="error: "), ids=place)
def test_the_errors_shown_are_those_of_a_real_reply(block: Block, running: Stage) -> None:
    reply = _call(running, block.marker.removeprefix("error: "))
    assert reply.status_code >= 400
    assert reply.json() == json.loads(block.text)


@pytest.mark.parametrize("block", all_blocks(marker="admin: "), ids=place)
def test_the_explanations_shown_are_those_of_the_admin_listener(
    block: Block, running: Stage
) -> None:
    url = running.gateway.admin_url + block.marker.removeprefix("admin: ")
    reply = httpx2.get(url, headers=HEADERS, trust_env=False)
    assert _ageless(reply.json()) == _ageless(json.loads(block.text))


def _ageless(explanation: Json) -> Json:
    """How old a finding is depends on what was asked before."""
    for piece in explanation["evidence"]:
        piece["age_seconds"] = piece["age_seconds"] is not None
    return explanation


def _call(running: Stage, call: str) -> httpx2.Response:
    method, path, body = call.split(" ", 2)
    url = running.base_url.removesuffix("/v1") + path
    return httpx2.request(method, url, json=json.loads(body), headers=HEADERS, trust_env=False)


# --- translation/ ------------------------------------------------------------------------------

PARAMETERS = {
    Shape.COMPLETIONS: set(COMPLETIONS_PARAMETERS),
    Shape.CHAT: set(CHAT_PARAMETERS),
    Shape.RESPONSES: set(RESPONSES_PARAMETERS),
    Shape.MESSAGES: set(MESSAGES_PARAMETERS),
}
BASES: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"model": "gpt-4o-mini", "prompt": "Hello"},
    # Of a model whose template has no stop sequences of its own.
    Shape.CHAT: {
        "model": "gpt-3.5-turbo-instruct",
        "messages": [{"role": "user", "content": "Hello"}],
    },
    Shape.RESPONSES: {"model": "gpt-3.5-turbo-instruct", "input": "Hello"},
    Shape.MESSAGES: {
        "model": "gpt-3.5-turbo-instruct",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    },
}
FUNCTION = {"name": "f"}
TOOLS = {
    Shape.CHAT: [{"type": "function", "function": FUNCTION}],
    Shape.RESPONSES: [{"type": "function", **FUNCTION}],
    Shape.MESSAGES: [{"name": "f", "input_schema": {"type": "object"}}],
}
LOGPROBS = ["message.output_text.logprobs"]


def companions(name: str, client: Shape, home: Shape) -> Json:
    """What must be in a request beside a parameter, for that to mean anything."""
    if name == "stream_options":
        return {"stream": True}
    if name == "top_logprobs":
        return {"include": LOGPROBS} if client is Shape.RESPONSES else {"logprobs": True}
    if (client, home) == (Shape.CHAT, Shape.COMPLETIONS):
        return {}
    if name in ("tool_choice", "parallel_tool_calls") and client is Shape.CHAT:
        return {"tools": TOOLS[client]}
    if name == "tool_choice":
        return {"tools": TOOLS[client]}
    return {"functions": [FUNCTION]} if name == "function_call" else {}


SAMPLES: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "mp3"},
    "best_of": 3,
    "echo": True,
    "frequency_penalty": 0.5,
    "function_call": FUNCTION,
    "functions": [FUNCTION],
    "logit_bias": {"50256": -100},
    "logprobs": {Shape.COMPLETIONS: 2, Shape.CHAT: True},
    "max_completion_tokens": 20,
    "max_tokens": 20,
    "metadata": {"a": "b"},
    "modalities": ["text", "audio"],
    "moderation": {"model": "omni-moderation-latest"},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"ttl": "30m"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safety_identifier": "s",
    "seed": 7,
    "service_tier": "flex",
    "stop": ["x"],
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    "suffix": "s",
    "temperature": 0.5,
    "tool_choice": "required",
    "tools": TOOLS[Shape.CHAT],
    "top_logprobs": 2,
    "top_p": 0.5,
    "user": "u",
    "verbosity": "low",
    "web_search_options": {},
}


RESPONSES_SAMPLES: dict[str, Any] = {
    "background": True,
    "access_programs": {"cyber": "daybreak_blue"},
    "background_options": {"completion_window": "2h"},
    "image": {"context_compression": "enabled"},
    "context_management": [{"type": "compaction", "compact_threshold": 1000}],
    "conversation": "conv_1",
    "include": LOGPROBS,
    "instructions": "Be brief.",
    "max_output_tokens": 20,
    "max_tool_calls": 3,
    "previous_response_id": "resp_1",
    "prompt": {"id": "pmpt_1"},
    "reasoning": {"effort": "low"},
    "stream_options": {"include_obfuscation": False},
    "text": {"format": {"type": "json_object"}, "verbosity": "low"},
    "tools": TOOLS[Shape.RESPONSES],
    "truncation": "auto",
}
"""Samples of what the other shapes lack, or have under the same name in another form."""

MESSAGES_SAMPLES: dict[str, Any] = {
    **{name: {"any": "form"} for name in MESSAGES_HINTS},
    "cache_control": {"type": "ephemeral"},
    "container": "container_1",
    "fallbacks": [{"model": "m"}],
    "mcp_servers": [{"type": "url", "url": "https://mcp.example", "name": "m"}],
    "output_config": {"effort": "low"},
    "output_format": {"type": "json_schema", "schema": {"type": "object"}},
    "service_tier": "standard_only",
    "stop_sequences": ["x"],
    "system": "Be brief.",
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "thread": "thread_1",
    "tool_choice": {"type": "any"},
    "tools": TOOLS[Shape.MESSAGES],
    "top_k": 40,
}
"""The same for messages."""


def _page(client: Shape) -> Path:
    """The page for clients of a shape."""
    return TRANSLATION / f"{client}.md"


def test_every_pair_has_a_section_that_says_whether_there_is_a_translation() -> None:
    for client in Shape:
        for home in Shape:
            if client is not home:
                text = section(_page(client), f"{client} → {home}")
                assert text.strip().startswith("Not yet.") != can_translate(client, home)


def test_the_readme_says_which_pairs_are_translated() -> None:
    rows = {row[0]: dict(zip(Shape, row[1:], strict=True)) for row in _pair_rows()}
    for client in Shape:
        for home in Shape:
            expected = "translated" if can_translate(client, home) else "not yet"
            assert rows[client][home] == ("untouched" if client is home else expected)


def _pair_rows() -> list[list[str]]:
    return table_after(README, "What is translated")


PAIRS = [
    marker.split()[1:]
    for client in Shape
    for marker in marked_tables(_page(client), "parameters: ")
]


def test_every_translated_pair_of_checked_parameters_has_a_table() -> None:
    documented = {(Shape(client), Shape(home)) for client, home in PAIRS}
    pairs = {(client, home) for client in Shape for home in Shape if client is not home}
    assert documented == {pair for pair in pairs if can_translate(*pair)}


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_every_parameter_becomes_what_the_table_says(client: str, home: str) -> None:
    rows = marked_table(_page(Shape(client)), f"parameters: {client} {home}")
    documented = {row[0].strip("`"): row[1] for row in rows}
    assert set(documented) == PARAMETERS[Shape(client)], f"the table in {_page(Shape(client))}"
    became = {name: _what_becomes_of(name, Shape(client), Shape(home)) for name in documented}
    assert became == documented


def _what_becomes_of(name: str, client: Shape, home: Shape) -> str:
    base = BASES[client]
    samples = {**SAMPLES, **_OWN_SAMPLES.get(client, {}), **base}
    value = samples[name][client] if name == "logprobs" else samples[name]
    body = {**base, **companions(name, client, home), name: value}
    able = CLAUDE if home is Shape.MESSAGES else preset(kinds.OPENAI, home)
    context = Context(base["model"], base["model"], capabilities=able)
    try:
        translation = plan(client, home, body, context)
    except UnsupportedParameter as refused:
        return "refused" if refused.param == name else f"refused as {refused.param}"
    if any(re.match(rf"{name}\b", dropped) for dropped in translation.report.dropped):
        return "dropped"
    if name in translation.report.emulated:
        return "emulated"
    sent = translation.calls[0].get(name)
    # As JSON, for in Python 1 equals True.
    return "passed" if json.dumps(sent) == json.dumps(value) else "converted"


_OWN_SAMPLES = {Shape.RESPONSES: RESPONSES_SAMPLES, Shape.MESSAGES: MESSAGES_SAMPLES}

SYSTEM = {"role": "system", "content": "Be brief."}
HELLO = {"role": "user", "content": "Hello"}
ANSWERED = [{"role": "assistant", "content": "Hi."}, {"role": "user", "content": "Bye"}]


@pytest.mark.parametrize(
    ("marker", "messages"),
    [("templates", [SYSTEM, HELLO, *ANSWERED]), ("templates, single", [SYSTEM, HELLO])],
)
def test_the_templates_render_as_shown(marker: str, messages: list[Json]) -> None:
    (block,) = [block for block in all_blocks(marker="templates") if block.marker == marker]
    templates: dict[str, str] = json.loads(block.text)
    assert set(templates) == {"raw", "transcript", "human_ai", "finetune", "chatml"}
    context = Context("m", "m")
    for name, prompt in templates.items():
        assert render(TemplateSettings(name), messages, context).text == prompt


def test_the_kinds_in_the_translation_table_exist() -> None:
    named = {
        kind
        for row in table_after(SERVERS, "What a server understands")
        for kind in re.findall(r"`([^`]+)`", row[0])
    }
    assert named <= set(servers.names())


def _understood(kind: servers.Profile) -> set[str]:
    """What the row of a server has to say, of what is said of several in the same words."""
    chat, completions = preset(kind, Shape.CHAT), preset(kind, Shape.COMPLETIONS)
    known = {
        r"one choice (and one prompt )?per call(?! at temp)": chat.n and chat.max_n != 1,
        r"one (choice and one )?prompt per call": completions.prompt_list,
        r"any number of stop sequences": chat.max_stops < MANY_STOPS,
        r"no `seed`": chat.seed,
        r"no `logit_bias`": chat.logit_bias,
        r"no logprobs(?! at)|no logprobs at chat": chat.logprobs,
        r"no logprobs(?! at)|no logprobs at completions": completions.logprobs,
        r"no JSON mode": chat.json_object,
        r"no JSON schema": chat.json_schema,
        r"efforts `": chat.efforts is None,
        r"completions take `response_format`": not completions.json_schema,
    }
    return {words for words, has in known.items() if not has}


@pytest.mark.parametrize("kind", servers.PROFILES, ids=str)
def test_the_translation_table_says_what_a_server_lacks(kind: servers.Profile) -> None:
    rows = dict(table_after(SERVERS, "What a server understands"))
    row = rows.get(f"`{kind}`", "")
    anywhere = {words for other in servers.PROFILES for words in _understood(other)}
    told = {words for words in anywhere if re.search(words, row)}
    assert told == _understood(kind), f"the row of `{kind}` in {SERVERS}"


def test_the_versions_that_were_tried_are_those_of_the_profiles() -> None:
    (seen,) = re.findall(
        r"^Seen with (.+?);", section(SERVERS, "What a server understands"), re.MULTILINE
    )
    documented = dict(re.findall(r"`([^`]+)` (\S+?)(?:,| and |$)", seen))
    assert documented == {kind.name: kind.tried for kind in servers.PROFILES if kind.tried}


# --- operations.md, architecture.md, README.md, CHANGELOG.md -----------------------------------


def test_the_documented_metrics_are_the_exposed_ones() -> None:
    named = set(
        re.findall(r"`((?:gateway|process)_\w+)`", section(OPERATIONS, "The admin listener"))
    )
    exposed = exposition(Metrics(frozenset()).families()).decode()
    families = set(re.findall(r"^# TYPE (\w+) ", exposed, re.MULTILINE))
    assert named == {name for name in families if not name.endswith("_created")}


def test_the_documented_outcomes_and_reasons_are_those_of_the_code() -> None:
    def first_cells(heading: str) -> set[str]:
        rows = re.findall(r"^\| (`.*?) \|", section(OPERATIONS, heading), re.MULTILINE)
        return {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}

    outcomes = first_cells("The admin listener") - {"outcome"}
    assert {name for name in outcomes if not name.startswith(("gateway_", "process_"))} == set(
        Outcome
    )
    unlogged = {reason for reason in Reason if outcome_of(reason) in _NO_FAILURE}
    assert first_cells("Logs") - {"reason"} == set(Reason) - unlogged


def test_the_documented_attributes_are_those_of_spans() -> None:
    text = section(OPERATIONS, "Traces")
    for heading, attributes in (("Server", SERVER_ATTRIBUTES), ("Client", CLIENT_ATTRIBUTES)):
        (table,) = re.findall(rf"^\| {heading} span .*\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
        cells = [row.split("|")[1] for row in table.splitlines()]
        named = [name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)]
        assert sorted(named) == sorted(attributes)
    assert f"`{FIRST_BYTE}`" in text


_NO_FAILURE = (Outcome.CLIENT_ERROR, Outcome.SHUTTING_DOWN)


def test_the_documented_error_codes_exist_in_the_code() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "gateway").rglob("*.py"))
    rows = table_after(OPERATIONS, "Bad input")
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row[2])}
    assert len(codes) > 10
    for code in codes:
        assert f'"{code}"' in source, code


def test_the_architecture_tells_every_layer_and_what_it_may_import() -> None:
    everything = set(MAY_IMPORT) - {"__main__"}
    documented: dict[str, set[str]] = {}
    for names, imports, _ in table_after(LAYERS, "Layers"):
        for name in re.findall(r"`(\w+)`", names):
            documented[name] = set(re.findall(r"`(\w+)`", imports))
    assert set(documented) == everything
    for name in everything - {"app", "cli"}:
        assert documented[name] == MAY_IMPORT[name], name


_TRACING = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


def test_the_architecture_has_a_reason_for_every_dependency() -> None:
    rows = table_after(LAYERS, "Dependencies")
    documented = {name for row in rows for name in re.findall(r"`([\w-]+)`", row[0])}
    assert documented == _dependencies() | {"redis", "tiktoken", *_TRACING}


def test_the_readme_counts_the_dependencies_rightly() -> None:
    assert f"{len(_dependencies())} direct dependencies" in README.read_text("utf-8")


def _dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {re.split(r"[^\w-]", line, maxsplit=1)[0] for line in project["dependencies"]}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_a_document_names_exist(document: Path) -> None:
    for name in re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml|jsonl))`", prose(document)):
        candidates = (ROOT / name, ROOT / "gateway" / name)
        basename_known = "/" not in name and any(ROOT.glob(f"gateway/**/{name}"))
        assert basename_known or any(path.exists() for path in candidates), name


def test_the_readme_and_the_architecture_can_be_read_in_a_few_minutes() -> None:
    assert len(README.read_text("utf-8").splitlines()) < 250
    assert len(ARCHITECTURE.read_text("utf-8").split()) < 1_500


CHANGELOG = ROOT / "CHANGELOG.md"
CATEGORIES = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def test_the_changelog_has_what_is_unreleased_and_this_version_on_top() -> None:
    newest, *versions = sections(CHANGELOG)
    assert newest == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", name) for name in versions]
    found = [(match[1], match[2]) for match in released if match]
    assert len(found) == len(versions)
    assert found[0][0] == __version__
    assert found == sorted(found, key=lambda each: each[1], reverse=True)


def test_the_changelog_sorts_its_lines_and_links_its_versions() -> None:
    for name in sections(CHANGELOG):
        text = section(CHANGELOG, name)
        used = re.findall(r"^### (.+)$", text, re.MULTILINE)
        assert used == [category for category in CATEGORIES if category in used]
        assert used or name == "[Unreleased]"
        (version,) = re.findall(r"^\[(.+?)\]", name)
        assert f"\n[{version}]: https://" in CHANGELOG.read_text("utf-8")
