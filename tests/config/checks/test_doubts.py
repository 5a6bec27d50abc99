from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.checks import doubts
from gateway.config.checks.doubts import warnings
from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    ServerSettings,
    Settings,
    TlsSettings,
)
from gateway.config.translation_settings import TranslationSettings
from tests import kinds
from tests.config.configuring import loaded, upstream

CLIENT = ClientSettings("a", ("1" * 64,))
KEYED = upstream(credential=CredentialPolicy.KEY, api_key=Secret("k"))
CALLER = upstream(credential=CredentialPolicy.CALLER)


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        ({"base_url": "http://a.example/v1", "api_key": Secret("k")}, "travel unencrypted"),
        ({"base_url": "http://a.example/v1", "credential": CredentialPolicy.CALLER}, "unencrypted"),
        (
            {"base_url": "http://a.example/v1", "headers": (("api-key", Secret("k")),)},
            "unencrypted",
        ),
        ({"base_url": "http://a.example/v1", "headers": (("x-a", Secret("k")),)}, None),
        ({"base_url": "http://10.0.0.1/v1", "api_key": Secret("k")}, None),
        ({"base_url": "http://vllm:8000/v1", "api_key": Secret("k")}, None),
        ({"base_url": "https://a.example/v1", "api_key": Secret("k")}, None),
        ({"verify": False}, "upstreams.a.verify: is off"),
        ({"base_url": "http://a.example/v1", "verify": False}, None),
        ({"kind": kinds.OPENAI, "base_url": "https://api.openai.com"}, "does not end in /v1"),
        ({"base_url": "http://vllm:8000"}, "base_url: has no path; most servers listen below /v1"),
        ({"kind": kinds.VLLM, "base_url": "http://vllm:8000"}, "listen below /v1"),
        ({"kind": kinds.VLLM, "base_url": "http://front/llm"}, None),
        ({"kind": kinds.GROQ, "base_url": "https://api.groq.com"}, "listens below /openai/v1"),
        ({"kind": kinds.LLAMACPP, "base_url": "http://localhost:9000"}, None),
        ({"kind": kinds.OPENAI}, None),
        ({"http2": True, "base_url": "http://a/v1"}, "http2: has no effect without TLS"),
        ({"http2": True}, None),
        ({"tls": TlsSettings("c", "k"), "base_url": "http://a/v1"}, "a.tls: has no effect without"),
        ({"tls": TlsSettings("c", "k")}, None),
        ({"http2": True, "base_url": "http://a/v1", "further_urls": ("https://b/v1",)}, None),
        ({"further_urls": ("http://b.example/v1",), "api_key": Secret("k")}, "[1]: keys travel"),
        ({"verify": False, "base_url": "http://a/v1", "further_urls": ("https://b/v1",)}, "is off"),
        ({"base_url": "http://vllm/v1/v1"}, "upstreams.a.base_url: has /v1 twice; write it once"),
        ({"messages_url": "https://b/api/api"}, "messages_url: has /api twice"),
        ({"base_url": "http://vllm/v1/v11"}, None),
    ],
)
def test_doubtful_upstreams_are_warned_of(keys: dict[str, Any], warning: str | None) -> None:
    found = warnings(Settings((upstream(**keys),)))
    assert len(found) == (warning is not None)
    assert warning is None or warning in found[0]


@pytest.mark.parametrize(
    ("host", "clients", "warning"),
    [
        ("127.0.0.1", (), None),
        ("::", (), "anyone who reaches it"),
        ("::", (CLIENT,), "has no effect, since there are clients"),
    ],
)
def test_anonymous_access_is_warned_of(
    host: str, clients: tuple[ClientSettings, ...], warning: str | None
) -> None:
    server = ServerSettings(host=host, allow_anonymous=True)
    found = warnings(Settings((KEYED,), server=server, clients=clients))
    assert len(found) == (warning is not None)
    assert warning is None or warning in found[0]


def test_aliases_that_name_each_other_are_not_a_loop_but_a_warning(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "models: {a: {model: b}, b: {model: a}, c: {model: c}, 'd*': e}")
    assert [rule.model for rule in settings.models] == ["b", "a", "c", "e"]
    found = warnings(settings)
    assert [warning.partition(":")[0] for warning in found] == [
        'models["a"].model',
        'models["b"].model',
    ]
    assert "aliases are not chained" in found[0]


def test_a_rule_after_a_glob_that_matches_it_is_never_reached() -> None:
    rules = (ModelRule("gpt-*"), ModelRule("gpt-4*"), ModelRule("gpt-4o"), ModelRule("o1"))
    found = warnings(Settings((upstream(),), models=rules))
    assert [warning.partition(" is never")[0] for warning in found] == [
        'models["gpt-4*"]:',
        'models["gpt-4o"]:',
    ]
    assert warnings(Settings((upstream(),), models=rules[::-1])) == []


@pytest.mark.parametrize(
    "pattern", ["gpt-.*", ".*", "^gpt", "gpt-4$", "gpt-.+", "a|b", "llama-{7b,8b}", "!gpt-4"]
)
def test_a_regular_expression_in_place_of_a_glob_is_warned_of(pattern: str) -> None:
    advice = "looks like a regular expression; patterns are globs: * stands for any characters"
    (rule,) = warnings(Settings((upstream(),), models=(ModelRule(pattern),)))
    assert rule.startswith(f'models["{pattern}"]: {advice}')
    client = ClientSettings("b", ("1" * 64,), models=(pattern,))
    (allowed,) = warnings(Settings((upstream(),), clients=(CLIENT, client)))
    assert allowed.startswith(f"clients.b.models: {advice}")


def test_usual_names_and_globs_are_not_taken_for_regular_expressions() -> None:
    names = ("*", "gpt-4.*", "gpt-?", "ft:gpt-4o*:acme::*", "[a-c]*", "gpt-4o-2024-08-06", "a/b.c")
    rules = tuple(ModelRule(name) for name in reversed(names))
    assert warnings(Settings((upstream(),), models=rules)) == []


@given(st.lists(st.text("ab-*?[]", min_size=1, max_size=4), max_size=30))
def test_which_rules_are_never_reached_is_as_by_comparing_each_with_each(
    patterns: list[str],
) -> None:
    rules = tuple(ModelRule(pattern) for pattern in patterns)
    shadowed = [
        (rule.pattern, above[0])
        for position, rule in enumerate(rules)
        if (
            above := [
                earlier.pattern
                for earlier in rules[:position]
                if earlier.is_glob and fnmatchcase(rule.pattern, earlier.pattern)
            ]
        )
    ]
    assert warnings(Settings((upstream(),), models=rules)) == [
        f'models["{pattern}"]: is never reached, "{earlier}" above it matches first; move it up'
        for pattern, earlier in shadowed
    ]


@pytest.mark.parametrize("is_installed", [True, False])
@pytest.mark.parametrize("is_global", [True, False])
def test_a_tokenizer_needs_its_extra(
    monkeypatch: pytest.MonkeyPatch, is_installed: bool, is_global: bool
) -> None:
    monkeypatch.setattr(doubts, "find_spec", lambda name: object() if is_installed else None)
    translation = TranslationSettings(tokenizer="cl100k_base")
    settings = (
        Settings((upstream(),), translation=translation)
        if is_global
        else Settings(
            (upstream(),), models=(ModelRule("a"), ModelRule("b", translation=translation))
        )
    )
    key = "translation" if is_global else 'models["b"]'
    needed = f"{key}.tokenizer: needs the extra tiktoken (endpoint-gateway[tiktoken])"
    assert warnings(settings) == ([] if is_installed else [needed])


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("$OPENAI_API_KEY", "is a variable's name, not its value; write ${VAR} in the file"),
        ("${OPENAI_API_KEY}", "is a variable's name, not its value; write ${VAR} in the file"),
        ('"sk-a"', "has quotes that are part of it"),
        ("'sk-a'", "has quotes that are part of it"),
        ("sk-$a", None),
        ("$a$b", None),
        ("sk-'a'", None),
        ("'", None),
    ],
)
@pytest.mark.parametrize("place", ["upstreams.a.api_key", "admin.token", "secret"])
def test_a_secret_that_is_none_is_warned_of(place: str, text: str, warning: str | None) -> None:
    secret = Secret(text)
    settings = {
        "upstreams.a.api_key": Settings((upstream(api_key=secret),)),
        "admin.token": Settings((upstream(),), admin=AdminSettings(token=secret)),
        "secret": Settings((upstream(),), secret=secret),
    }[place]
    found = warnings(settings)
    assert len(found) == (warning is not None)
    assert warning is None or found[0].startswith(f"{place}: {warning}")


def test_the_defaults_give_no_warning() -> None:
    assert warnings(Settings((CALLER,))) == []
