"""All problems of the rules are reported at once, whatever else is wrong."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.checks.config_checks import refusals
from gateway.config.load import ConfigError, load

REWRITES = 'models["a*b*"].model: has a *'
UNKNOWN = "models.c.upstream: "
NO_EFFECT = "models.text-embedding-3-small.params: has no effect"
RULES = """models:
  "a*b*": {model: "*"}
  c: {upstream: nowhere}
  text-embedding-3-small: {params: {set: {user: x}}}
"""


def problems(folder: Path, text: str) -> Sequence[str]:
    path = folder / "gateway.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path, {}, further=refusals)
    return [str(each).partition(": ")[2] for each in error.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RULES, [REWRITES, UNKNOWN, NO_EFFECT]),
        (RULES + "server: {port: x}\n", [REWRITES, UNKNOWN, NO_EFFECT, "server.port: must be"]),
        (RULES.replace("c:", "c: {x: '${NONE}', y: 1}\n  d:"), [REWRITES, "models.c.x: "]),
        (
            "models: {m: {params: {set: {temperature: hot, max_tokens: 1}, drop: max_tokens}}}",
            ["models.m.params: sets max_tokens", "models.m.params.set.temperature: must be"],
        ),
        (
            "models: {m: {params: {set: {seed: 1, user: a}, drop: [seed, user]}}}",
            ["models.m.params: sets seed, and drops", "models.m.params: sets user, and drops"],
        ),
        (
            "models: {m: {params: {set: {seed: 1, n: .nan}, default: {seed: 2, '': 1}}}}",
            [
                "models.m.params: sets seed, and fills it in",
                "models.m.params.set.n: must be a finite",
                'models.m.params.default[""]: must be the name',
            ],
        ),
        (
            "models: {m: {params: {set: {seed: 1, temperature: 9}, drop: [input, a..b, seed]}}}",
            [
                "models.m.params: sets seed, and drops",
                "models.m.params.set.temperature: must be at most 2",
                "models.m.params.drop[0]: cannot be changed",
                "models.m.params.drop[1]: must be the name",
            ],
        ),
        (
            "models: {m: {endpoint: [chat, 3], upstream: x, params: {set: {n: 1}, drop: n}}}",
            [
                "models.m.params: sets n, and drops",
                "models.m.endpoint[1]: must be",
                "models.m.upstream: is not",
            ],
        ),
        (
            "models: {m: {params: {set: {n: 1}, drop: n, x: null}}}",
            ["models.m.params: sets n, and drops", "models.m.params.x: unknown"],
        ),
        ("models: {m: {upstream: x, model: 3}}", ["models.m.model: must be text"]),
        ('models: {"a*b*": {model: "*", endpoint: 3}}', ['models["a*b*"].endpoint: ']),
        (RULES + "upstreams: {u: {base_url: 3}}\n", ["upstreams.u.base_url: ", UNKNOWN]),
        (RULES + "upstreams: 3\n", ["upstreams: must be a mapping"]),
        ("models: 3\nretired: {redirect: {a: b, b: c}}", ["models: must be", "retired.redirect.a"]),
    ],
)
def test_problems_of_rules_are_reported_beside_broken_yaml(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    found = problems(tmp_path, text)
    for beginning in expected:
        assert sum(each.startswith(beginning) for each in found) == 1, found
