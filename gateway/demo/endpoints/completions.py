"""/v1/completions: the model continues the prompt.

The text repeats the end of the prompt, so that a test sees which prompt arrived. Choice c of a
request with seed s is take s+c; every take but the first of an unseeded request names its number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.demo.endpoints.chat import chat_failure
from gateway.demo.generation.answer import (
    DONE,
    FINGERPRINT,
    Answer,
    Event,
    Json,
    Phase,
    ReplyIds,
    data_event,
)
from gateway.demo.generation.logprobs import LegacyColumns
from gateway.demo.generation.scenarios import Scenario, scenario_in
from gateway.demo.generation.tokens import Candidate, generate, pieces, scored, text_of, tokenise
from gateway.demo.models import DemoModel
from gateway.demo.refusals.parameters import too_long
from gateway.demo.rules import completions as completions_rules

_DEFAULT_LIMIT = 16
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class _Choice:
    """One choice: its prompt's tokens and what was generated after them."""

    index: int
    prompt: tuple[bytes, ...]
    candidate: Candidate


def answer(body: Json, model: DemoModel, ids: ReplyIds) -> Answer:
    """Check a request and answer it; raises `Refused`."""
    completions_rules.check(body, model)
    prompts = _prompts(body.get("prompt"))
    texts = [text_of(prompt) for prompt in prompts]
    scenario = next(
        (found for text in texts if (found := scenario_in(text)).behaviour is not None), Scenario()
    )
    scenario.refuse_if_asked(model.id, stream=bool(body.get("stream")))
    limit = _limit(body)
    for prompt in prompts:
        if len(prompt) + limit > model.context:
            raise too_long(model.context, len(prompt), limit, None)
    reply = _Reply(body, model, ids, scenario, prompts)
    return Answer(scenario, reply.whole, reply.events, chat_failure)


def _limit(body: Json) -> int:
    limit = body.get("max_tokens")
    return _DEFAULT_LIMIT if limit is None else int(limit)


def _prompts(value: Any) -> list[tuple[bytes, ...]]:
    """Return each prompt's tokens; a prompt of token numbers reads ` t1 t2`."""
    if value is None:
        return [(b"<|endoftext|>",)]
    if isinstance(value, str):
        return [tokenise(value)]
    if isinstance(value[0], int):
        value = [value]
    return [
        tokenise(one) if isinstance(one, str) else tuple(b" t%d" % number for number in one)
        for one in value
    ]


class _Reply:
    """The choices of one request, ready to be written whole or as events."""

    def __init__(
        self,
        body: Json,
        model: DemoModel,
        ids: ReplyIds,
        scenario: Scenario,
        prompts: Sequence[tuple[bytes, ...]],
    ) -> None:
        self._body = body
        self._model = model
        self._ids = ids
        self._scenario = scenario
        self._prompts = prompts
        self._echo = bool(body.get("echo"))
        self._top: int | None = body.get("logprobs")
        self._spent = 0
        self._choices: list[_Choice] = []
        wanted = body.get("n") or 1
        for position, prompt in enumerate(prompts):
            for place, candidate in enumerate(self._candidates(prompt, wanted)):
                self._choices.append(_Choice(position * wanted + place, prompt, candidate))

    def _candidates(self, prompt: tuple[bytes, ...], wanted: int) -> list[Candidate]:
        number = self._body.get("best_of") or wanted
        seed = self._body.get("seed") or 0
        candidates = [self._generated(text_of(prompt), seed + take) for take in range(number)]
        self._spent += sum(len(candidate.tokens) for candidate in candidates)
        if number > wanted:
            candidates.sort(key=Candidate.score, reverse=True)
        return candidates[:wanted]

    def _generated(self, prompt: str, variant: int) -> Candidate:
        suffix = self._body.get("suffix")
        between = f" | {suffix[:_SHOWN]}" if suffix else ""
        take = f" (take {variant + 1})" if variant else ""
        usual = f" [{self._model.id} continues: {prompt[-_SHOWN:]}{between}]{take}"
        stop = self._body.get("stop") or []
        return generate(
            self._scenario.text(usual),
            limit=self._scenario.limit(_limit(self._body)),
            stops=[stop] if isinstance(stop, str) else stop,
            finish=self._scenario.finish,
            variant=variant,
        )

    def _frame(self) -> Json:
        return {
            "id": self._ids.prefixed("cmpl-"),
            "object": "text_completion",
            "created": self._ids.created,
            "model": self._model.id,
            "system_fingerprint": FINGERPRINT,
        }

    def _usage(self) -> Json:
        prompt = sum(len(tokens) for tokens in self._prompts)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": self._spent,
            "total_tokens": prompt + self._spent,
        }

    def whole(self) -> Json:
        """Return the reply as one object."""
        choices = []
        for choice in self._choices:
            parts = list(self._parts(choice))
            text = "".join(text for text, _ in parts)
            columns = self._joined([columns for _, columns in parts if columns])
            choices.append(_choice(choice.index, text, columns, choice.candidate.finish))
        return {**self._frame(), "choices": choices, "usage": self._usage()}

    def _joined(self, columns: list[Json]) -> Json | None:
        if self._top is None:
            return None
        names = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
        return {name: [item for one in columns for item in one[name]] for name in names}

    def _parts(self, choice: _Choice) -> Iterator[tuple[str, Json | None]]:
        """Yield text and log probabilities as a stream sends them: the echo, then each token."""
        prompt = text_of(choice.prompt)
        writer = LegacyColumns(self._top or 0, 0 if self._echo else len(prompt))
        with_logprobs = self._top is not None
        if self._echo:
            tokens = scored(choice.prompt)
            yield prompt, writer.columns(tokens, from_start=True) if with_logprobs else None
        tokens = choice.candidate.scored() if with_logprobs else []
        for position, piece in enumerate(pieces(choice.candidate.tokens)):
            if with_logprobs:
                yield piece, writer.columns([tokens[position]])
            elif piece:
                yield piece, None

    def events(self) -> Iterator[Event]:
        """Yield the reply as chunks: the choices take turns, token by token."""
        options = self._body.get("stream_options") or {}
        with_usage = bool(options.get("include_usage"))
        extra = {"usage": None} if with_usage else {}
        chunk = partial(self._chunk, extra)
        running = [(choice, self._parts(choice)) for choice in self._choices]
        while running:
            still = []
            for choice, parts in running:
                part = next(parts, None)
                if part is None:
                    yield chunk(Phase.CLOSING, choice.index, "", None, choice.candidate.finish)
                else:
                    yield chunk(Phase.DELTA, choice.index, part[0], part[1], None)
                    still.append((choice, parts))
            running = still
        if with_usage:
            last = {**self._frame(), "choices": [], "usage": self._usage()}
            yield Event(Phase.CLOSING, data_event(last))
        yield Event(Phase.CLOSING, DONE)

    def _chunk(
        self,
        extra: Json,
        phase: Phase,
        index: int,
        text: str,
        columns: Json | None,
        finish: str | None,
    ) -> Event:
        choice = _choice(index, text, columns, finish)
        return Event(phase, data_event({**self._frame(), "choices": [choice], **extra}))


def _choice(index: int, text: str, columns: Json | None, finish: str | None) -> Json:
    return {"text": text, "index": index, "logprobs": columns, "finish_reason": finish}
