"""Lists of prompts for completions endpoints that take one prompt: one call for each.

Both sides are completions, so nothing else changes, except that token ids become text if the
endpoint takes none. If the endpoint has no `n` either, there is one call for each prompt and
choice. Choices are numbered prompt by prompt, because a client tells by the index which prompt a
choice belongs to. (Ollama's `openai/openai.go` takes a single string, ollama#6188; llama-cpp-python
asserts that a list has one item.)
"""

from gateway.shapes import Json, Shape
from gateway.translate.completions_fanned_out.reply import fold_replies
from gateway.translate.completions_fanned_out.spreading import (
    TABLE,
    PreparedRequest,
    read_fan,
    spread,
)
from gateway.translate.completions_fanned_out.stream import FannedOutStream
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.schema.checks import check


def is_needed(body: Json, context: Context) -> bool:
    """Whether a completions request has a list that its completions endpoint does not take."""
    prompt, able = body.get("prompt"), context.capabilities
    if not isinstance(prompt, list):
        return False
    first = prompt[0] if prompt else ""
    if isinstance(first, int):
        return not able.token_prompts
    return not able.prompt_list or (isinstance(first, list) and not able.token_prompts)


def translate(body: Json, context: Context, report: Report | None = None) -> Translation:
    """Split a completions request into calls with one prompt each; `body` is not changed.

    `report` is the report to add to, by default a new one. Raises `InvalidRequest` if the list or
    the number of choices is wrong or too large, and `UnsupportedParameter` for token ids that
    cannot be turned into text.
    """
    checked = check(body, TABLE)
    report = report or Report(Shape.COMPLETIONS, Shape.COMPLETIONS)
    fan = read_fan(checked, context)
    report.emulate("prompt")
    request = PreparedRequest(fan, spread(checked, fan, context, report), frozenset(checked))
    return PairTranslation(request, context, report, fold_replies, FannedOutStream)
