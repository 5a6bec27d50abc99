from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.naming.naming_rule import NamingRule
from gateway.resolve.refusals.naming.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.parameter_fixes import ParameterFix, RefusedParameter
from gateway.resolve.refusals.parameters import degrees_in, refused_parameters
from gateway.shapes import Json, Shape


def names(message: str, *sent: str) -> list[str] | None:
    found = refused_parameters(ErrorDetails(message), frozenset(sent))
    return None if found is None else [parameter.name for parameter in found]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Unsupported parameter: 'user' is not supported with the 'o3-mini-2025' model.", ["user"]),
        ("Unsupported parameter: 'user'", ["user"]),
        ("Unsupported parameters: user, seed.", ["user", "seed"]),
        ("Unknown parameter: 'reasoning.effort'.", ["reasoning.effort"]),
        ("Unsupported param: stop", ["stop"]),
        ("Unknown parameter: 'max_token'. Did you mean 'max_tokens'?", ["max_token"]),
        ("Unrecognized request arguments supplied: user, seed", ["user", "seed"]),
        ("Model incompatible request argument(s) supplied: user, seed", ["user", "seed"]),
        ("property 'store' is unsupported, did you mean 'stop'?", ["store"]),
        ("'seed' parameter is not supported by this model", ["seed"]),
        ("`temperature` is deprecated for this model.", ["temperature"]),
        ("temperature: Extra inputs are not permitted", ["temperature"]),
        ("Model grok-4.6 does not support parameter presencePenalty.", ["presence_penalty"]),
        ("This model does not support parameter `seed`", ["seed"]),
        ("invalid top_p: only 0.95 is allowed for this model", ["top_p"]),
        (
            "openai does not support parameters: {'seed': 0.5, 'user': 'a}'}, for model=x. To drop",
            ["seed", "user"],
        ),
        ("openai does not support parameters: ['seed'], for model=gpt-5", ["seed"]),
        ("gpt-5 models (a, b) don't support seed=0.7. Only seed=1 is supported.", ["seed"]),
        ("O-series models don't support top_p=0.2. Only top_p=1 is supported.", ["top_p"]),
        ("gpt-9 models do not support logprobs=True", ["logprobs"]),
        ("reasoning_effort='xhigh' is only supported for gpt-5.2 models.", ["reasoning_effort"]),
        (
            "gpt-5.1/5.2 only support logprobs, top_p, n when reasoning_effort='none'. Current",
            ["logprobs", "top_p"],
        ),
        ("Unexpected fields in the request: {'user', 'seed'}", ["seed", "user"]),
        ("Unexpected fields in the request: {'stop'}", ["stop"]),
        ("llama.cpp does not support 'store'.", ["store"]),
        ("body.seed: property 'body.seed' is unsupported", ["seed"]),
        ("Extra inputs are not permitted, field: 'store', value: True", ["store"]),
        ('json: unknown field "user"', ["user"]),
        ("unknown field `user`, expected one of `model`, `messages`", ["user"]),
        ("Unsupported value: 'seed' does not support 'x' with this model. Supported", ["seed"]),
        ('"llama3" does not support thinking', ["reasoning_effort"]),
        ("registry.ollama.ai/library/phi does not support tools", ["tools"]),
        ('"phi" does not support insert', ["suffix"]),
        (
            "logprobs, best_of and echo parameters are not available on gpt-35-turbo model. Please",
            ["logprobs", "echo"],
        ),
        ("You are not allowed to request logprobs from this model", ["logprobs"]),
        (
            (
                "Invalid JSON payload received. Unknown name \"seed\" at 'seed':"
                " Cannot find field.\n"
                'Invalid JSON payload received. Unknown name "user": Cannot find field.'
            ),
            ["seed", "user"],
        ),
        ("unknown parameter: seed", ["seed"]),
        ("Unknown parameter: seed.", ["seed"]),
        ("Unknown parameter `seed`, see the documentation", ["seed"]),
        ('Unknown parameter: "reasoning.effort"', ["reasoning.effort"]),
        ("unsupported parameter: `seed` is not supported with this model", ["seed"]),
        ("Unsupported parameter: `seed` is not supported", ["seed"]),
        ("Unsupported parameter: `seed`", ["seed"]),
        ("Validation: Unsupported parameter(s): `seed`, `user`", ["seed", "user"]),
        ("Unrecognized request argument supplied: `seed`", ["seed"]),
        ("Unrecognized request arguments supplied: 'seed', 'user'.", ["seed", "user"]),
        ("seed is not supported", ["seed"]),
        ("`seed` is not supported.", ["seed"]),
        ("The 'seed' parameter is not supported by this proxy.", ["seed"]),
        ("Parameter seed is not supported by this model.", ["seed"]),
        ("`seed` is not yet supported", ["seed"]),
        ("seed is currently not supported by this provider", ["seed"]),
        ("seed is not supported in this model yet.", ["seed"]),
        ("logprobs are not supported", ["logprobs"]),
        ("logprobs is not available for this model", ["logprobs"]),
        ("store: unknown field", ["store"]),
        ("`seed`: Unknown parameter.", ["seed"]),
        ("seed: this field is not supported", ["seed"]),
        ("Unsupported parameters: ['seed', \"user\"]", ["seed", "user"]),
        ("Only temperature=1 is supported", ["temperature"]),
        ("temperature must be 1 for this model.", ["temperature"]),
        ("'top_p' must be 0.95", ["top_p"]),
        ("parameter: `seed` is unsupported", ["seed"]),
        ("Unknown field seed", ["seed"]),
        ("unknown field: `seed`", ["seed"]),
        (
            (
                "Failed to deserialize the JSON body into the target type: unknown field `seed`, "
                "expected one of `model`, `n` at line 1 column 9"
            ),
            ["seed"],
        ),
        (
            (
                "Failed to deserialize the JSON body into the target type: seed: unknown field "
                "seed, expected one of model, n at line 1 column 9"
            ),
            ["seed"],
        ),
        ("unknown field: parameter 'seed' is not a valid field. For proper usage, see", ["seed"]),
        ("The seed parameter is unsupported at the moment. Leave it unset.", ["seed"]),
        ("Setting `seed` is not supported by openai, x. To drop it", ["seed"]),
        ("body.seed: Extra inputs are not permitted", ["seed"]),
        ("Unsupported value: `top_p` does not support 0.5 with this model. Only the", ["top_p"]),
        ('Unsupported value: "seed" does not support "x" with the "m" model. Only', ["seed"]),
        ('property "store" is unsupported', ["store"]),
        ("Extra inputs are not permitted, field: `store`", ["store"]),
        ("Invalid JSON payload received. Unknown name 'seed': Cannot find field.", ["seed"]),
        ("llama.cpp does not support `store`.", ["store"]),
        ("'llama3' does not support thinking", ["reasoning_effort"]),
        ("`llama 3` does not support tools", ["tools"]),
    ],
)
def test_the_names_in_a_text_are_found(message: str, expected: list[str]) -> None:
    sent = ["user", "seed", "store", "temperature", "presence_penalty", "top_p", "logprobs", "echo"]
    sent += ["max_token", "reasoning_effort", "reasoning.effort", "tools", "suffix", "stop"]
    assert names(message, *sent) == expected
    assert names(message) is None
    assert names(f"The user wrote: {message}", *sent) is None


@pytest.mark.parametrize(
    "message",
    [
        "",
        "temperature must be between 0 and 2",
        "5 is greater than the maximum of 1 - 'logprobs'",
        "Missing required parameter: 'messages'.",
        "The model only supports response formats: [json text].",
        "user does not support temperature in the Responses API",
        "openai does not support parameters: {user}, for model=x",
        "openai does not support parameters: [, for model=x",
        'Invalid JSON payload received. Unknown name "user": Cannot find field.\nAnd more.',
        '"phi" does not support vision',
        "Unexpected fields in the request: {user}",
        "Unexpected fields in the request: user",
        "gpt-5 models don't support tools",
        "Unknown parameter: user message",
        "Unknown parameter: 'user",
        "Unknown parameter: user: messages",
        "Unsupported parameter: user says that temperature is hot",
        "Unsupported parameter: 'user' is not supported in Berlin.",
        "user is not supported here",
        "user is not available",
        "user is not available in Berlin",
        "temperature is deprecated",
        "temperature must be 1 or less",
        "temperature must be positive",
        "temperature: this value is not supported",
        "user is not supported by this country",
        "The user temperature is not supported",
        "'user is not supported",
        "Unknown field user in the form",
        "The temperature parameter is unsupported, says the user",
        "unknown field: parameter 'strict' is not a valid field. For proper usage, see",
        (
            "Failed to deserialize the JSON body into the target type: messages[0].x: "
            "missing field `user` at line 1"
        ),
    ],
)
def test_other_texts_name_none(message: str) -> None:
    assert names(message, "user", "temperature", "logprobs", "messages", "response_format") is None


def test_a_model_that_is_not_supported_is_not_a_parameter() -> None:
    for message in ("model is not supported", "The 'model' is not supported.", "`model` is not"):
        assert names(message, "model") is None


def test_a_proposed_name_may_stand_in_marks_of_any_kind() -> None:
    text = "Unsupported parameter: `max_tokens` is not supported. Use `max_completion_tokens` "
    found = refused_parameters(ErrorDetails(text + "instead."), {"max_tokens"})
    assert found == (RefusedParameter("max_tokens", "max_completion_tokens"),)


def test_a_name_that_is_deprecated_is_replaced_by_the_one_to_use() -> None:
    text = "'max_tokens' is deprecated, use 'max_completion_tokens' instead"
    found = refused_parameters(ErrorDetails(text), {"max_tokens"})
    assert found == (RefusedParameter("max_tokens", "max_completion_tokens"),)


def test_the_last_hint_is_kept() -> None:
    text = "Unsupported parameter: 'max_tokens' is not supported with this model. "
    found = refused_parameters(
        ErrorDetails(text + "Use 'max_completion_tokens' instead."), {"max_tokens"}
    )
    assert found == (RefusedParameter("max_tokens", "max_completion_tokens", by_model=True),)
    found = refused_parameters(ErrorDetails(text), {"max_tokens"})
    assert found == (RefusedParameter("max_tokens", by_model=True),)


def test_an_unknown_parameter_is_distinguished_from_an_unsupported_one() -> None:
    found = refused_parameters(ErrorDetails("Unknown parameter: 'user'."), {"user"})
    assert found == (RefusedParameter("user", unknown=True),)


@pytest.mark.parametrize(
    ("allowed", "value_only"),
    [
        ("Only the default (1) value is supported.", False),
        ("Supported values are: 'medium'.", False),
        ("Supported values are: 'low', 'medium', and 'high'.", True),
    ],
)
def test_a_value_is_the_callers_choice_while_there_is_a_choice(
    allowed: str, value_only: bool
) -> None:
    text = f"Unsupported value: 'service' does not support 'x' with this model. {allowed}"
    found = refused_parameters(ErrorDetails(text), {"service"})
    assert found == (RefusedParameter("service", value_only=value_only, by_model=True),)


@pytest.mark.parametrize(
    "name", ["reasoning_effort", "reasoning.effort", "verbosity", "text.verbosity"]
)
def test_a_degree_is_left_to_the_model_if_it_is_the_refused_one(name: str) -> None:
    text = f"Unsupported value: '{name}' does not support 'x' with this model. Supported values"
    sent = {name, name.partition(".")[0]}
    expected = (RefusedParameter(name, by_model=True, given="x"),)
    assert refused_parameters(ErrorDetails(text), sent) == expected
    text = "Unsupported value: 'x' is not supported with the 'gpt-5-codex' model."
    assert refused_parameters(ErrorDetails(text, param=name), sent) == expected
    for litellm in (
        f"{name}='x' is only supported for gpt-9.",
        f"o9 models don't support {name}=x.",
    ):
        assert refused_parameters(ErrorDetails(litellm), sent) == expected
    none = refused_parameters(ErrorDetails(f"o9 models don't support {name}=[]"), sent)
    assert none == (RefusedParameter(name, by_model=True),)


@pytest.mark.parametrize(
    ("given", "listed", "nearest"),
    [
        ("max", "Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.", "xhigh"),
        ("minimal", "Supported values are: 'low', 'medium', and 'high'.", "low"),
        ("none", "Supported values are: 'minimal', 'low', and 'high'.", "minimal"),
        ("max", "Supported values are: 'on', and 'off'.", None),
        ("dynamic", "Supported values are: 'low', and 'high'.", None),
        ("max", "", None),
    ],
)
def test_the_nearest_effort_is_one_that_is_named(
    given: str, listed: str, nearest: str | None
) -> None:
    told = f"Unsupported value: '{given}' is not supported with the 'o9' model. {listed}"
    expected = RefusedParameter("reasoning.effort", by_model=True, given=given, nearest=nearest)
    sent = frozenset({"reasoning", "reasoning.effort"})
    assert refused_parameters(ErrorDetails(told, param="reasoning.effort"), sent) == (expected,)


def test_a_verbosity_has_a_nearest_one_too() -> None:
    text = "Unsupported value: 'low' is not supported with this model. Supported values are: 'high'"
    (found,) = (
        refused_parameters(ErrorDetails(text, param="verbosity"), frozenset({"verbosity"})) or ()
    )
    assert (found.given, found.nearest) == ("low", "high")


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        ("reasoning_effort", [RefusedParameter("reasoning_effort", given="xhigh", nearest="low")]),
        ("reasoning.effort", [RefusedParameter("reasoning.effort", given="xhigh", nearest="low")]),
        ("service_tier", None),  # a choice, which is the caller's
        ("verbosity", None),  # was not sent
    ],
)
def test_an_effort_that_a_schema_does_not_have_becomes_the_nearest_that_it_has(
    param: str, expected: list[RefusedParameter] | None
) -> None:
    reply = ErrorDetails(f"{param}: Input should be 'low'", param=param, given="xhigh")
    sent = frozenset({"reasoning_effort", "reasoning.effort", "service_tier"})
    found = refused_parameters(reply, sent)
    assert (found and list(found)) == expected


@pytest.mark.parametrize(
    ("message", "param", "expected"),
    [
        ("store is not supported by Responses Text V1.", "store", ["store"]),
        ("user is not supported by this relay, sorry", "user", ["user"]),
        ("store is not supported by Responses Text V1.", None, None),
        ("store is not supported by Responses Text V1.", "user", None),
        ("model is not supported by Responses Text V1.", "model", None),
        ("seed is not supported by Responses Text V1.", "seed", None),
    ],
)
def test_a_text_that_begins_with_its_own_parameter_refuses_it(
    message: str, param: str | None, expected: list[str] | None
) -> None:
    found = refused_parameters(
        ErrorDetails(message, param=param), frozenset({"store", "user", "model"})
    )
    assert (found and [parameter.name for parameter in found]) == expected


def test_a_refused_value_has_its_name_in_param() -> None:
    text = "Unsupported value: 'auto' is not supported with the 'gpt-5-codex' model."
    reply = ErrorDetails(text, param="reasoning.summary")
    assert refused_parameters(reply, {"reasoning", "reasoning.summary"}) == (
        RefusedParameter("reasoning.summary", value_only=True, by_model=True),
    )
    assert refused_parameters(reply, {"reasoning"}) is None
    assert refused_parameters(ErrorDetails(text), {"reasoning", "auto"}) is None


def test_unknown_fields_are_refused_parameters() -> None:
    reply = ErrorDetails("whatever", unknown_fields=("store", "messages[0].name"))
    found = refused_parameters(reply, {"store", "messages"})
    assert found == (RefusedParameter("store"), RefusedParameter("messages[0].name"))
    assert refused_parameters(reply, {"messages"}) is None


@pytest.mark.parametrize(
    ("path", "sent", "is_sent"),
    [
        ("reasoning.effort", ["reasoning"], False),
        ("reasoning.effort", ["reasoning", "reasoning.effort"], True),
        ("text.format.strict", ["text", "text.format"], True),
        ("text.format.strict", ["text"], False),
        ("messages[0].content[1].text", ["messages"], True),
        ("text.format[0]", ["text.format"], True),
        ("input[0]", ["messages"], False),
    ],
)
def test_a_path_is_sent_as_far_as_it_is_known(path: str, sent: list[str], is_sent: bool) -> None:
    assert (names(f"Unknown parameter: '{path}'.", *sent) is not None) == is_sent


def test_a_field_within_a_gemini_object_is_a_path() -> None:
    text = (
        "Invalid JSON payload received. Unknown name \"x\" at 'generation_config': "
        "Cannot find field."
    )
    assert names(text, "x") is None
    assert names(text, "generation_config", "generation_config.x") == ["generation_config.x"]


@given(st.text(), st.frozensets(st.text(max_size=8)))
def test_no_text_raises_and_only_sent_names_are_found(message: str, sent: frozenset[str]) -> None:
    found = refused_parameters(ErrorDetails(message), sent)
    assert found is None or all(parameter.name in sent for parameter in found)


@given(st.sampled_from(NAMING_RULES), st.data(), st.frozensets(st.sampled_from(["a", "b", "seed"])))
def test_no_text_of_a_rule_raises(
    rule: NamingRule, data: st.DataObject, sent: frozenset[str]
) -> None:
    message = data.draw(st.from_regex(rule.pattern))
    found = refused_parameters(ErrorDetails(message), sent)
    assert found is None or found


@pytest.mark.parametrize(
    ("message", "nearest"),
    [
        (
            "Unsupported value: 'xhigh' is not supported with this model. Supported values: 'low'",
            "low",
        ),
        ('level "xhigh" not supported, valid levels: low, medium, high', "high"),
        ("level 'XHIGH' is not supported, valid levels: none, low", "low"),
        ("Thinking level XHIGH is not supported for this model.", None),
        ("Unexpected reasoning effort xhigh. Supported types are medium (default).", "medium"),
    ],
)
def test_an_effort_is_refused_without_the_parameters_name(
    message: str, nearest: str | None
) -> None:
    for name in ("reasoning_effort", "reasoning.effort"):
        expected = (RefusedParameter(name, by_model=True, given="xhigh", nearest=nearest),)
        assert refused_parameters(ErrorDetails(message), frozenset({"model", name})) == expected
    assert refused_parameters(ErrorDetails(message), frozenset({"model", "verbosity"})) is None
    assert refused_parameters(ErrorDetails(f"He wrote: {message}"), frozenset({name})) is None


def test_a_parameter_that_is_refused_beside_another_is_none_without_it() -> None:
    reply = ErrorDetails("`temperature` and `top_p` cannot both be specified for this model.")
    both = refused_parameters(reply, {"temperature", "top_p"})
    assert both is not None
    assert [(each.name, each.beside) for each in both] == [("top_p", "temperature")]
    assert refused_parameters(reply, {"top_p"}) is None
    assert refused_parameters(reply, {"temperature"}) is None


@pytest.mark.parametrize(
    ("message", "param", "effort", "fix"),
    [
        (
            "`reasoning_effort` must be one of `none` or `default`",
            None,
            "high",
            ParameterFix("drop", "reasoning_effort", given="high"),
        ),
        (
            "`reasoning_effort` must be one of `low`, `medium`, or `high`",
            "reasoning_effort",
            "none",
            ParameterFix("replace", "reasoning_effort", "low", "none"),
        ),
        ("`reasoning_effort` must be one of `low`", None, None, None),
        ("`reasoning_effort` must be one of the above", None, "high", None),
        (
            "Invalid value: 'xhigh'. Supported values are: 'low', 'medium', and 'high'.",
            "reasoning_effort",
            None,
            ParameterFix("replace", "reasoning_effort", "high", "xhigh"),
        ),
        # zod 3 and 4
        (
            "Invalid enum value. Expected 'low' | 'medium' | 'high', received 'xhigh'",
            "reasoning_effort",
            "xhigh",
            ParameterFix("replace", "reasoning_effort", "high", "xhigh"),
        ),
        (
            'Invalid option: expected one of "low"|"medium"',
            "reasoning_effort",
            "xhigh",
            ParameterFix("replace", "reasoning_effort", "medium", "xhigh"),
        ),
        ('Invalid option: expected one of "a"|"b"', "tool_choice", "high", None),
        ("Invalid value: 'x'. Supported values are: 'auto'.", "tool_choice", "x", None),
        ("Invalid value: 'x'. Supported values are: 'auto'.", None, "x", None),
    ],
)
def test_a_degree_is_refused_by_the_words_that_are_taken(
    message: str, param: str | None, effort: str | None, fix: ParameterFix | None
) -> None:
    sent = {"model", "reasoning_effort", "tool_choice"}
    sent |= set(degrees_in({} if effort is None else {"reasoning_effort": effort, "text": {}}))
    body = {"error": {"message": message, "param": param, "code": "invalid_value"}}
    found = classify(Shape.CHAT, 400, body, model="m", sent=sent)
    assert found.fixes == (() if fix is None else (fix,))


def test_degrees_are_those_of_all_shapes() -> None:
    body: Json = {
        "output_config": {"effort": "max"},
        "reasoning": {"effort": "low"},
        "reasoning_effort": 3,
        "text": {"verbosity": "high"},
        "verbosity": None,
    }
    assert sorted(degrees_in(body)) == [
        "high=text.verbosity",
        "low=reasoning.effort",
        "max=output_config.effort",
    ]
    for odd in ("anthropic-beta[x]", "", "x" * 21, "a b"):
        assert degrees_in({"reasoning_effort": odd}) == []


@pytest.mark.parametrize(
    ("message", "name", "action"),
    [
        ("This model doesn't support the topP field. Remove topP and try again.", "top_p", "drop"),
        (
            (
                "The model returned the following errors: This model doesn't support the "
                "stopSequences field. Remove stopSequences and try again."
            ),
            "stop",
            "withhold",
        ),
        ("Only one completion choice is allowed", "n", "withhold"),
    ],
)
def test_bedrocks_own_names_are_those_that_were_sent(message: str, name: str, action: str) -> None:
    body = {"error": {"message": message}}
    found = classify(Shape.CHAT, 400, body, model="m", sent={"model", "n", "stop", "top_p"})
    assert [(fix.action, fix.name) for fix in found.fixes] == [(action, name)]
    assert classify(Shape.CHAT, 400, body, model="m", sent={"model"}).fixes == ()


@pytest.mark.parametrize("code", ["invalid_value", "3051", None])
@pytest.mark.parametrize("name", ["reasoning_effort", "reasoning.effort", "output_config.effort"])
@pytest.mark.parametrize(
    ("message", "given", "nearest", "by_model"),
    [
        # Mistral (mistral-vibe#1117)
        (
            (
                "reasoning_effort='medium' is not supported for this model. "
                "Supported values: ['low', 'high', 'max']."
            ),
            *("medium", "high", True),
        ),
        (
            "Invalid reasoning_effort 'medium' for model m. Supported values are ['low', 'max']",
            *("medium", "low", True),
        ),
        # Z.ai (catwalk#603)
        (
            (
                "This model always engages in thinking and cannot be disabled; "
                "please use low, high, or max."
            ),
            *("none", "low", True),
        ),
        (
            (
                'Model "glm-5.3-flash" does not support reasoning effort "max", accepted values: '
                "low, high, xhigh."
            ),
            *("max", "xhigh", True),
        ),
        # Baseten, behind relays (CLIProxyAPI#1307)
        (
            (
                "Validation error for `reasoning_effort`: expected one of `'low' | 'medium' | "
                "'high'`, received `'xhigh'`."
            ),
            *("xhigh", "high", False),
        ),
        # Groq (pi#1745), without its marks
        ("reasoning_effort must be one of none or default", "high", None, False),
        ("reasoning.effort must be low, medium or high", "max", "high", False),
        ("Field 'output_config.effort' allowed values are (low|medium)", "high", "medium", False),
    ],
)
def test_an_effort_is_refused_by_a_list_of_those_that_are_taken(
    message: str, given: str, nearest: str | None, name: str, code: str | None, *, by_model: bool
) -> None:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    sent = {name, name.partition(".")[0], f"{given}={name}"}
    found = classify(Shape.CHAT, 400, body, model="m", sent=sent)
    action: Literal["drop", "replace"] = "drop" if nearest is None else "replace"
    assert found.fixes == (ParameterFix(action, name, nearest, given),)
    assert found.model_is_here is by_model
    without = classify(Shape.CHAT, 400, body, model="m", sent={"temperature"})
    assert without.verdict is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    [
        "reasoning_effort must be one of the above",
        "reasoning_effort 'x' is not supported. Supported values: low",
        "Your prompt says: 'reasoning_effort must be one of low, high'",
        "The effort must be low, or high",
    ],
)
def test_other_texts_list_no_efforts(message: str) -> None:
    sent = {"reasoning_effort", "high=reasoning_effort"}
    found = classify(Shape.CHAT, 400, {"error": {"message": message}}, model="m", sent=sent)
    assert found.verdict is Verdict.OTHER
