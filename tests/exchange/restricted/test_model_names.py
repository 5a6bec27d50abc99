"""What a lenient parser could read as a model is judged, or the body is refused."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError, PermissionDenied
from gateway.exchange.restricted.model_names import Place, Reading, is_naming, normalized, place_of


def judge(model: str, place: Place) -> None:
    if not fnmatchcase(model, "ok*"):
        raise PermissionDenied(f"{model} at {place}", code="model_not_allowed")


def is_admitted(body: bytes) -> bool:
    try:
        Reading(judge).json(body)
    except GatewayError as error:
        if error.status not in (400, 403):
            raise
        return False
    return True


# --- parsers of upstreams ------------------------------------------------------------------------

Pairs = list[tuple[str, Any]]


def first_wins(pairs: Pairs) -> dict[str, Any]:
    return dict(reversed(pairs))


def in_any_case(pairs: Pairs) -> dict[str, Any]:
    """Go's encoding/json: the last key that is equal but for its case."""
    return {key.casefold(): value for key, value in pairs}


def cut_at_nul(pairs: Pairs) -> dict[str, Any]:
    return {key.partition("\0")[0]: value for key, value in pairs}


PARSERS: tuple[Callable[[Pairs], dict[str, Any]], ...] = (
    dict,
    first_wins,
    in_any_case,
    lambda pairs: in_any_case(list(reversed(pairs))),
    cut_at_nul,
)


def models_read(body: bytes, pairs: Callable[[Pairs], dict[str, Any]]) -> set[str]:
    """Return the models that a server with such a parser might run."""
    try:
        decoded = json.loads(body.decode("utf-8-sig"), object_pairs_hook=pairs)
    except ValueError:
        return set()
    if not isinstance(decoded, dict):
        return set()
    extra = decoded.get("extra_body")
    found: list[Any] = []
    for each in (decoded, extra if isinstance(extra, dict) else {}):
        found += [each.get("model")]
        for listed in (each.get("models"), each.get("fallbacks")):
            found += listed if isinstance(listed, list) else [listed]
    found += [each.get("model") for each in found if isinstance(each, dict)]
    return {each for each in found if isinstance(each, str) and each}


KEYS = st.sampled_from(
    [
        *(
            "model",
            "Model",
            "MODEL",
            "mOdel",
            "\\u006dodel",
            "\\u004Dodel",
            "model\\u0000",
            "models",
        ),
        *("Models", "fallbacks", "extra_body", "Extra_Body", "input", "metadata", "moDeL", "x"),
    ]
)
PLAIN_KEYS = st.sampled_from(["model", "models", "fallbacks", "extra_body", "input", "x"])
NAMES = st.sampled_from(
    [
        '"ok"',
        '"ok-2"',
        '"ok-3"',
        '"ok-4"',
        '"bad"',
        '"Bad"',
        '""',
        "null",
        "1",
        '" bad"',
        '"ok,bad"',
    ]
)


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.one_of(
        st.lists(st.tuples(KEYS, values), max_size=4),
        st.lists(st.tuples(PLAIN_KEYS, values), max_size=4, unique_by=lambda pair: pair[0]),
    )
    return pairs.map(lambda each: "{" + ",".join(f'"{key}":{value}' for key, value in each) + "}")


VALUES = st.recursive(
    NAMES,
    lambda deeper: st.one_of(
        objects(deeper), st.lists(deeper, max_size=3).map(lambda each: f"[{','.join(each)}]")
    ),
    max_leaves=8,
)
PREFIXES = st.sampled_from(["", "\ufeff", " ", "\n", "//x\n", "x"])


@settings(max_examples=600, deadline=None)
@given(PREFIXES, objects(VALUES))
def test_whatever_a_parser_could_read_is_judged(prefix: str, text: str) -> None:
    body = (prefix + text).encode()
    if is_admitted(body):
        for parser in PARSERS:
            read = models_read(body, parser)
            assert all(name.startswith("ok") and "bad" not in name for name in read), text


@settings(max_examples=300, deadline=None)
@given(objects(VALUES), st.binary(max_size=3), st.integers(0, 200))
def test_no_body_breaks_it(text: str, noise: bytes, position: int) -> None:
    body = text.encode()
    is_admitted(body[:position] + noise + body[position:])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(-1e9, 1e9)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.sampled_from("abc"), deeper),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_honest_bodies_are_admitted(value: Any) -> None:
    body = json.dumps({"model": "ok", "input": value, "metadata": {"Model": "bad"}}).encode()
    assert is_admitted(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"9" * 100_000 + b"}",
        b'{"a":1e400}',
        b"",
        b"{}{}",
        b'{"model":"' + b"ok" * 500 + b'"}',
        b'{"model":"ok\\n"}',
    ],
)
def test_what_is_out_of_bounds_is_a_400(body: bytes) -> None:
    assert not is_admitted(body)


@pytest.mark.parametrize(
    ("key", "naming"),
    [
        *((key, True) for key in ("model", "MODEL", "mo-del", "\uff4dodel", "model ", "model\0x")),
        *((key, True) for key in ("embedding_model", "judgeModel", "fallback_models", "modelId")),
        *((key, False) for key in ("modelling", "mode", "input", "", "\0model", "model_sample")),
    ],
)
def test_keys_are_taken_as_the_most_lenient_reader_would(key: str, naming: bool) -> None:
    assert is_naming(key) == naming


def test_some_keys_name_models_at_the_top_only() -> None:
    assert is_naming("preset", top=True)
    assert not is_naming("preset")
    assert normalized("Stra\u00dfe-1") == "strasse1"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("model", ("model",)),
        ("model[]", ("model",)),
        ("tools[0][model]", ("tools", "model")),
        ("session.model", ("session", "model")),
        ("[]", ()),
        ("model\0[x]", ("model",)),
    ],
)
def test_a_parameters_name_is_a_place(name: str, place: Place) -> None:
    assert place_of(name) == place


@pytest.mark.parametrize(
    ("query", "good"),
    [
        (b"", True),
        (b"a=b&c", True),
        (b"model=ok", True),
        (b"model=ok&model=bad", False),
        (b"MODEL=bad", False),
        (b"a=1;models[]=bad", False),
        (b"model=%FF", False),
        (b"model%5B%5D=bad", False),
        (b"\xff=\xff", True),
    ],
)
def test_a_querys_names_are_judged(query: bytes, good: bool) -> None:
    if good:
        Reading(judge).query(query)
        return
    with pytest.raises(GatewayError):
        Reading(judge).query(query)
