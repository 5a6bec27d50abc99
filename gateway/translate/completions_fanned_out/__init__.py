"""Lists of prompts for completions endpoints that take one prompt: one call per prompt.

Nothing else of the request changes, for both sides are completions, but that token ids become text
where the endpoint takes none. Where the endpoint has no `n`
either, there is one call per prompt and choice, because the index of a choice, prompt by prompt, is
how a client tells whose it is. (Ollama's `openai/openai.go` takes a single string, ollama#6188;
llama-cpp-python asserts that a list has one item.)
"""

from collections.abc import Sequence

from gateway.shapes import Json, Shape
from gateway.translate.completions_fanned_out.choices import malformed, read_choice
from gateway.translate.completions_fanned_out.spreading import TABLE, Fan, read_fan, spread
from gateway.translate.completions_fanned_out.stream import FannedOutStream
from gateway.translate.completions_via_chat.reply import carried_error
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.sources import sources_of
from gateway.translate.schema.checks import check


def is_needed(body: Json, context: Context) -> bool:
    """Whether a completions request has a list that its completions endpoint would not take."""
    prompt, able = body.get("prompt"), context.capabilities
    if not isinstance(prompt, list):
        return False
    first = prompt[0] if prompt else ""
    if isinstance(first, int):
        return not able.token_prompts
    return not able.prompt_list or (isinstance(first, list) and not able.token_prompts)


def translate(body: Json, context: Context, report: Report | None = None) -> Translation:
    """Spread a completions request over calls with one prompt each; `body` is not changed.

    What is noted goes into `report`, a new one unless it is given.

    Raises `InvalidRequest` where the list or the number of choices is wrong or too large, and
    `UnsupportedParameter` for token ids that cannot be turned into text.
    """
    checked = check(body, TABLE)
    report = report or Report(Shape.COMPLETIONS, Shape.COMPLETIONS)
    fan = read_fan(checked, context)
    report.emulate("prompt")
    calls = spread(checked, fan, context, report)
    return CompletionsFannedOut(fan, calls, frozenset(checked), context, report)


class CompletionsFannedOut:
    """One completions request as several, and the way back (a `Translation`)."""

    def __init__(
        self,
        fan: Fan,
        calls: Sequence[Json],
        client_params: frozenset[str],
        context: Context,
        report: Report,
    ) -> None:
        self._fan = fan
        self._client_params = client_params
        self._context = context
        self.report = report
        self.calls = calls

    def local_reply(self) -> Json | None:
        """Return None: the upstream answers."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the replies of all calls into one.

        Raises `UpstreamReplied` where a reply is an error and `UpstreamError` where it is no
        completion with all choices.
        """
        choices = [
            choice for call, reply in enumerate(replies) for choice in self._choices_of(call, reply)
        ]
        first = replies[0]
        folded: Json = {
            "id": swap_id(
                first.get("id") if len(replies) == 1 else None, Shape.COMPLETIONS, self._context
            ),
            "object": "text_completion",
            "created": created(first.get("created") or None, self._context),
            "model": model_name(first.get("model") or None, self._context),
            "choices": choices,
        }
        usage = self._fan.total_usage([reply.get("usage") for reply in replies])
        if usage is not None:
            folded["usage"] = usage
        fingerprint = first.get("system_fingerprint")
        if isinstance(fingerprint, str):
            folded["system_fingerprint"] = fingerprint
        return {**folded, **sources_of(first)} if len(replies) == 1 else folded

    def stream(self) -> StreamTranslation:
        """Return the fold of the streams of all calls."""
        options = self.calls[0].get("stream_options")
        include_usage = isinstance(options, dict) and options.get("include_usage") is True
        return FannedOutStream(
            self._fan, self._context, self.client_param, include_usage=include_usage
        )

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter: `prompt[2]` for the third call's `prompt`."""
        if not param:
            return None
        root = param.partition(".")[0].partition("[")[0]
        if root == "prompt":
            return self._fan.prompt_of(call).path
        return param if root in self._client_params else None

    def _choices_of(self, call: int, reply: Json) -> list[Json]:
        error = carried_error(call, reply, self.client_param)
        if error is not None:
            raise error
        listed = reply.get("choices")
        if not isinstance(listed, list):
            raise malformed("it has no list 'choices'")
        beside = sources_of(reply) if self._fan.call_count > 1 else {}
        found: dict[int, Json] = {}
        for position, item in enumerate(listed):
            choice, index = read_choice(item, default=position)
            if 0 <= index < self._fan.per_call and index not in found:
                found[index] = {**choice, **beside, "index": self._fan.client_index(call, index)}
        if len(found) < self._fan.per_call:
            raise malformed(f"it has {len(found)} of {self._fan.per_call} choices")
        return [found[index] for index in sorted(found)]
