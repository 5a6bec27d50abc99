"""What a lenient parser could read as a model is judged, or the body is refused."""

import json
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.restricted import named_models
from gateway.exchange.restricted.named_models import (
    Place,
    Reading,
    _Object,
    is_naming,
    normalized,
    place_of,
)


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


EXAMPLES = settings().max_examples
VALUES = st.recursive(
    NAMES,
    lambda deeper: st.one_of(
        objects(deeper), st.lists(deeper, max_size=3).map(lambda each: f"[{','.join(each)}]")
    ),
    max_leaves=8,
)
PREFIXES = st.sampled_from(["", "\ufeff", " ", "\n", "//x\n", "x"])


@settings(max_examples=6 * EXAMPLES)
@given(PREFIXES, objects(VALUES))
def test_whatever_a_parser_could_read_is_judged(prefix: str, text: str) -> None:
    body = (prefix + text).encode()
    if is_admitted(body):
        for parser in PARSERS:
            read = models_read(body, parser)
            assert all(name.startswith("ok") and "bad" not in name for name in read), text


@settings(max_examples=3 * EXAMPLES)
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


@settings(max_examples=2 * EXAMPLES)
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


NESTINGS = [
    (b'{"x":', b'{"a":', b"}"),
    (b'{"models":', b"[", b"]"),
    (b'{"fallbacks":', b'{"ok":', b"}"),
]


@pytest.mark.parametrize(("before", "opening", "closing"), NESTINGS)
def test_no_depth_breaks_it(before: bytes, opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        return before + opening * depth + b'"ok"' + closing * depth + b"}"

    def is_read(depth: int) -> bool:
        try:
            read_object(nested(depth))
        except InvalidRequest:
            return False
        return True

    deepest, too_deep = 1, 1_000_000
    while too_deep - deepest > 1:
        middle = (deepest + too_deep) // 2
        deepest, too_deep = (middle, too_deep) if is_read(middle) else (deepest, middle)
    assert is_admitted(nested(deepest - 20))
    # Here what reads the body first still does, and what reads its names no longer.
    assert not all(is_admitted(nested(depth)) for depth in range(deepest - 20, deepest + 20))


def found(body: str) -> list[tuple[str, Place]]:
    """Return the names in a body with their places, sorted."""
    names: list[tuple[str, Place]] = []
    Reading(lambda name, place: names.append((name, place))).json(body.encode())
    return sorted(names)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"model": "a"}', [("a", ("model",))]),
        ('{"model": null}', []),
        ('{"model": ""}', []),
        ('{"models": ["a", ["b"], 1, null, true]}', [("a", ("models",)), ("b", ("models",))]),
        # LiteLLM: several in one text, of which some may be empty.
        ('{"models": "a, b,"}', [(each, ("models",)) for each in ("a", "a, b,", "b")]),
        # LiteLLM: what is asked in place of a model. Keys are names as well as values.
        (
            '{"fallbacks": [{"a": ["b", {"c": "d"}]}]}',
            [(each, ("fallbacks",)) for each in "abcd"],
        ),
        # Of an object that says itself which of its texts is the name, the others are none.
        ('{"fallbacks": [{"model": "a", "x": "y"}]}', [("a", ("fallbacks", "model"))]),
        # Below another place, `model` may be an object, whose keys are not names.
        ('{"session": {"model": {"id": "a"}}}', [("a", ("session", "model"))]),
        ('{"tools": [{"x": [{"judge_model": "a"}]}]}', [("a", ("tools", "x", "judge_model"))]),
        ('{"input": {"preset": "a"}, "engine": "b"}', [("b", ("engine",))]),
        ('{"metadata": {"model": "a"}, "tools": [{"properties": {"model": "b"}}]}', []),
    ],
)
def test_every_name_is_found_in_its_place(body: str, names: list[tuple[str, Place]]) -> None:
    assert found(body) == names


class CountingKey(str):
    """A key that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def casefold(self) -> "CountingKey":
        return self

    def __eq__(self, other: object) -> bool:
        CountingKey.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_equal_keys_among_many_are_found_in_linear_time() -> None:
    keys = [CountingKey(f"key {number}") for number in range(1000)]
    pairs = _Object((key, 1) for key in [*keys, CountingKey("key 999")])
    with pytest.raises(InvalidRequest) as refused:
        Reading(judge)._walk((), pairs)
    assert refused.value.param == "key 999"
    assert CountingKey.compared < 5 * len(keys)


def test_the_texts_called_type_are_kept_by_place() -> None:
    reading = Reading(judge)
    reading.json(b'{"session": {"type": "transcription"}, "type": 1, "metadata": {"type": "x"}}')
    assert reading.types == {("session", "type"): "transcription"}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ('{"Model": "ok"}', "model", "invalid_value"),
        ('{"model": ["ok"]}', "model", "invalid_type"),
        ('{"model": "ok", "model": "ok"}', "model", "duplicate_parameter"),
        ('{"input": [{"a": 1, "A": 2}]}', "input.A", "duplicate_parameter"),
        ('{"fallbacks": [{"ok": ["ok"], "OK": []}]}', "fallbacks.OK", "duplicate_parameter"),
        ('{"metadata": {"a": 1, "A": 2}}', None, None),
        ("{", None, "invalid_json"),
        ('{"x": NaN}', None, "invalid_json"),
    ],
)
def test_what_servers_read_differently_is_refused(
    body: str, param: str | None, code: str | None
) -> None:
    if code is None:
        assert found(body) == []
        return
    with pytest.raises(InvalidRequest) as refused:
        found(body)
    assert (refused.value.param, refused.value.code) == (param, code)


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


def test_other_threads_may_run_with_each_object_of_a_large_body() -> None:
    schema = {f"p{number}": {"type": "string"} for number in range(10_000)}
    text = json.dumps({"model": "m", "tools": [{"parameters": {"properties": schema}}]})
    called: list[str] = []

    def note(_: object, event: str, __: object) -> None:
        called.append(event)

    sys.setprofile(note)
    try:
        decoded = named_models._decode(text)
    finally:
        sys.setprofile(None)
    assert dict(decoded)["model"] == "m"
    # Python gives its lock to other threads where a function of its own begins.
    assert called.count("call") > len(schema)


def test_a_large_body_is_read_to_its_end() -> None:
    reading = Reading(judge)
    tools = [{"parameters": {"properties": {f"p{n}": {"type": "string"} for n in range(9_000)}}}]
    body = json.dumps({"tools": tools, "model": "ok", "session": {"model": "ok-2"}}).encode()
    reading.json(body)
    assert reading.names == {("model",): "ok", ("session", "model"): "ok-2"}
