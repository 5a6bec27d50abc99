"""Lists of fields that a server does not know."""

import pytest

from gateway.resolve.refusals.listed_fields import listed_fields

GEMINI = 'Invalid JSON payload received. Unknown name "{}": Cannot find field.'
NIM = "body -> {}\n  Extra inputs are not permitted (type=extra_forbidden)"
PRINTED = (
    "{}\n  Extra inputs are not permitted [type=extra_forbidden, input_value='a\\nb', "
    "input_type=str]\n    For further information visit https://errors.pydantic.dev/2.8/v/extra"
)
CEREBRAS = "{0}: property '{0}' is unsupported"
GROQ = "'messages.0' : for 'role:system' the following must be satisfied[{}]"
BEDROCK = "Malformed input request: {}, please reformat your input and try again."
KEY = "#: extraneous key [{}] is not permitted"


def lines(form: str, *names: str) -> str:
    return "\n".join(form.format(name) for name in names)


def printed(*names: str) -> str:
    return f"{len(names)} validation errors for ChatCompletionRequest\n" + lines(PRINTED, *names)


@pytest.mark.parametrize(
    "message",
    [
        lines(GEMINI, "seed", "store"),
        lines(GEMINI, "seed", "store") + "\n",
        lines(NIM, "seed", "store"),
        lines(NIM, "seed", "store").replace("Extra inputs are", "extra fields"),
        printed("seed", "store"),
        printed("seed", "store").replace("\n  Extra", "\n Extra"),
        lines(CEREBRAS, "seed", "store"),
        BEDROCK.format(KEY.format("seed") + KEY.format("store")),
        "Additional properties are not allowed ('seed', 'store' were unexpected)",
    ],
)
def test_every_entry_is_read(message: str) -> None:
    assert listed_fields(message) == ["seed", "store"]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (GEMINI.format("seed").replace('":', "\" at 'seed':"), "seed"),
        (GEMINI.format("strict").replace('":', "\" at 'tools[0]':"), "tools[0].strict"),
        (lines(CEREBRAS, "messages.2.assistant.reasoning"), "messages[2].reasoning"),
        (lines(CEREBRAS, "messages.2.name"), "messages[2].name"),
        (lines(CEREBRAS, "body.seed"), "seed"),
        (printed("messages.0.name"), "messages[0].name"),
        (GROQ.format("('messages.0' : property 'name' is unsupported)"), "messages[0].name"),
        (
            GROQ.format(
                "('messages.0.content' : one of the following must be satisfied"
                "[('messages.0.content' : value must be a string) OR "
                "('messages.0.content.1' : property 'x' is unsupported)])"
            ),
            "messages[0].content[1].x",
        ),
        (printed("seed").replace("errors", "error"), "seed"),
    ],
)
def test_a_path_is_written_as_elsewhere(message: str, path: str) -> None:
    assert listed_fields(message) == [path]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n",
        "Malformed input request: , please reformat your input and try again.",
        "2 validation errors for ChatCompletionRequest\n",
        lines(NIM, "seed")
        + "\nbody -> n\n  value is not a valid integer (type=type_error.integer)",
        lines(GEMINI, "seed") + "\nAnd more.",
        f"The user wrote: {lines(NIM, 'seed')}",
        printed("seed") + "\nmessages.0.content\n  Field required [type=missing, input_value={}]",
        lines(PRINTED, "seed"),
        lines(CEREBRAS, "seed") + ", did you mean 'stop'?",
        GROQ.format("('messages.0.role' : value is not one of the allowed values)"),
        GROQ.format("('messages.0' : property 'name' is unsupported) AND more"),
        BEDROCK.format("#/messages/0: extraneous key [name] is not permitted"),
        BEDROCK.format(KEY.format("seed")) + " Or not.",
        "Additional properties are not allowed ('id' was unexpected) - 'messages.0'",
    ],
)
def test_a_list_of_anything_else_is_none(message: str) -> None:
    assert listed_fields(message) == []


def test_a_long_list_is_read_in_one_pass() -> None:
    assert len(listed_fields(lines(NIM, *["seed"] * 1000))) == 1000
    assert listed_fields("body -> seed\n" * 100_000) == []
