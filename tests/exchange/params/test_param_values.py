"""Values of rules' parameters are judged by the checks of requests, before a request has them."""

from pathlib import Path

import pytest

from gateway.checks import config_checks
from gateway.config.load import ConfigError, load
from gateway.config.settings import Settings
from gateway.shapes import Shape

OPENAI = "upstreams: {openai: {base_url: 'https://api.openai.com/v1'}}"
VLLM = "upstreams: {local: {base_url: 'http://127.0.0.1:8000/v1', kind: vllm}}"


def checked(folder: Path, params: str, upstream: str = OPENAI, model: str = "m") -> Settings:
    path = folder / "gateway.yaml"
    path.write_text(f"{upstream}\nmodels:\n  {model}:\n    params: {{{params}}}\n")
    return load(path, {}, further=config_checks.refusals)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ("set: {temperature: hot}", "params.set.temperature: must be a number"),
        ("set: {temperature: 2.5}", "params.set.temperature: must be at most 2"),
        ("default: {temperature: -1}", "params.default.temperature: must be at least 0"),
        ("default: {top_p: true}", "params.default.top_p: must be a number"),
        ("set: {stop: 5}", "params.set.stop: must be a string or an array of strings"),
        ("set: {max_tokens: '5'}", "params.set.max_tokens: must be an integer"),
        ("set: {max_output_tokens: -1}", "params.set.max_output_tokens: must be at least 0"),
        ("set: {parallel_tool_calls: 1}", "parallel_tool_calls: must be a boolean"),
        ("set: {tool_choice: maybe}", "must be 'none', 'auto' or 'required'"),
        ("set: {reasoning_effort: 3}", "params.set.reasoning_effort: must be a string"),
        ("set: {reasoning: low}", "params.set.reasoning: must be an object"),
        ("set: {reasoning: {effort: 3}}", "is wrong: reasoning_effort must be a string"),
        ("set: {text: {verbosity: 3}}", "is wrong: verbosity must be a string"),
        ("set: {metadata: {a: 1}}", "is wrong: metadata.a must be a string"),
        ("set: {logit_bias: {'5': 500}}", "is wrong: logit_bias.5 must be at most 100"),
        ("set: {chat_template_kwargs: on}", "params.set.chat_template_kwargs: must be an object"),
        ("set: {prediction: {type: text, content: a}}", "prediction.type must be 'content'"),
    ],
)
def test_what_every_endpoint_refuses_is_an_error(tmp_path: Path, params: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(tmp_path, params)
    (found,) = caught.value.problems
    assert (found.origin.line, found.key[:15]) == (4, "models.m.params")
    assert problem in str(found)


def test_no_value_is_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(tmp_path, "set: {tool_choice: secret-1, temperature: secret-2}")
    assert "secret-" not in str(caught.value)


@pytest.mark.parametrize(
    "params",
    [
        "set: {temperature: 0.2, top_p: 1, max_tokens: 100, stop: [a], user: x}",
        "set: {temperature: null}",
        "set: {min_p: hot, mirostat: [1]}",
        "set: {reasoning: {effort: low}, text: {verbosity: low}, verbosity_hint: 1}",
        "set: {response_format: {strict: true}}",
        "default: {stream_options: {include_usage: true}}",
        "drop: [temperature]",
    ],
)
def test_what_is_right_or_not_known_is_accepted(tmp_path: Path, params: str) -> None:
    assert list(config_checks.doubts(checked(tmp_path, params))) == []


@pytest.mark.parametrize(
    ("params", "doubt"),
    [
        ("set: {logprobs: 3}", "a boolean for clients that call /v1/chat/completions"),
        ("default: {max_tokens: 5}", "at least 16 for clients that call /v1/responses"),
        ("set: {temperature: 1.5}", "at most 1 for clients that call /v1/messages"),
        ("set: {tool_choice: auto}", "an object for clients that call /v1/messages"),
    ],
)
def test_what_one_endpoint_refuses_is_a_warning(tmp_path: Path, params: str, doubt: str) -> None:
    (found,) = config_checks.doubts(checked(tmp_path, params))
    assert found.startswith("models.m.params.")
    assert found.endswith(f": must be {doubt}")


def test_sizes_are_those_of_openai_so_other_servers_may_take_more(tmp_path: Path) -> None:
    settings = checked(tmp_path, "set: {temperature: 2.5, n: 1}", VLLM)
    of_openai, of_anthropic = config_checks.doubts(settings)
    *openai, anthropic = (shape.endpoint for shape in Shape)
    assert of_openai.endswith("at most 2 for clients that call " + " or ".join(openai))
    assert of_anthropic.endswith(f"at most 1 for clients that call {anthropic}")
    with pytest.raises(ConfigError, match="must be a number"):
        checked(tmp_path, "set: {temperature: hot}", VLLM)


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [
        ("text-embedding-3-small", "embeddings"),
        ("omni-moderation-latest", "moderations"),
        ("gpt-image-1", "images/generations"),
    ],
)
def test_parameters_of_models_at_other_endpoints_are_refused(
    tmp_path: Path, model: str, endpoint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(tmp_path, "drop: [user]", model=model)
    assert f"models.{model}.params: has no effect at /v1/{endpoint}" in str(caught.value)
    # The name may be another model's there, and a glob stands for many.
    checked(tmp_path, "drop: [user]", VLLM, model)
    checked(tmp_path, "drop: [user]", model=f"{model}*")
