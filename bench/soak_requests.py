"""The requests of the soak: any shape at any home, small and large, with what they must get."""

import itertools
from dataclasses import dataclass
from random import Random

from bench import bodies
from bench.scripted_faults import FAULTS
from bench.soak_ledger import Expected
from gateway.shapes import Shape
from gateway.translate.plan import can_translate

SMALL, MIDDLE, LARGE = 1_000, 100_000, bodies.MOST_BYTES

_SIZES = (SMALL, MIDDLE, LARGE)
_SIZE_WEIGHTS = (75, 20, 5)
_UPLOADS = 0.15
_STREAMED = 0.5
_MODELS_PER_HOME = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as bytes; `chunked` and all else is in them already."""

    data: bytes
    expected: Expected


class Requests:
    """Makes them; no two have the same number."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._numbers = itertools.count(10_000_000)
        self._pairs = [(c, h) for c in Shape for h in Shape if can_translate(c, h)]
        self._faults = list(FAULTS)

    def good(self, *, size: int | None = None, words: int | None = None) -> Asked:
        """Return one that must get its reply."""
        size = size or self._random.choices(_SIZES, _SIZE_WEIGHTS)[0]
        if words is None and self._random.random() < _UPLOADS:
            return self._upload(size)
        client, home = self._random.choice(self._pairs)
        model = f"soak-{home}-{self._random.randrange(_MODELS_PER_HOME)}"
        return self._generation("good", client, home, model, size, words)

    def new_model(self) -> Asked:
        """Return one for a model that was never asked for; it lives at chat."""
        client = self._random.choice([Shape.CHAT, Shape.COMPLETIONS])
        model = f"new-{next(self._numbers)}"
        return self._generation("new model", client, Shape.CHAT, model, SMALL, None)

    def slow(self, *, silent: bool) -> Asked:
        """Return one to leave: whose stream goes on for a while, or whose reply never begins."""
        client, home = self._random.choice(self._pairs)
        size, model = bodies.any_size(self._random), f"left-{home}"
        script = "never" if silent else "ok"
        return self._generation("abort", client, home, model, size, 2_000, script)

    def left_upload(self) -> Asked:
        """Return an upload to leave."""
        return self._upload(bodies.any_size(self._random))

    def fault(self) -> tuple[str, Asked]:
        """Return one to which the upstream does wrong, and the fault's name."""
        script = self._random.choice(self._faults)
        client, home = self._random.choice(self._pairs)
        size = self._random.choices(_SIZES, _SIZE_WEIGHTS)[0]
        model = f"fault-{home}-{self._random.randrange(_MODELS_PER_HOME)}"
        return script, self._generation("fault", client, home, model, size, 10, script)

    def refused(self) -> tuple[int, bytes]:
        """Return one that must be refused, by gateway or upstream, and the status that it gets."""
        chat = Shape.CHAT.endpoint
        said = bodies.generation(Shape.CHAT, "soak-chat-0", SMALL)
        return self._random.choice(
            [
                (404, bodies.get("/v1/nothing/here")),
                (404, bodies.get("/nothing")),
                (404, bodies.post("/v2/chat/completions", said)),
                (400, bodies.post(chat, b'{"model": "soak-chat-0", "messages": [}')),
                (400, bodies.post(chat, b'{"messages": []}')),
                (405, b"DELETE" + bodies.get(chat).removeprefix(b"GET")),
            ]
        )

    def _generation(
        self,
        kind: str,
        client: Shape,
        home: Shape,
        model: str,
        size: int,
        words: int | None,
        script: str | None = None,
    ) -> Asked:
        random, number = self._random, str(next(self._numbers))
        words = words if words is not None else random.choice((8, 8, 40, 400, 4_000))
        script = script or random.choices(("ok", "okclose"), (95, 5))[0]
        delay = random.choice((0, 0, 5, 50, 500)) if script == "ok" else 0
        streamed = random.random() < _STREAMED
        marker = f"#{number}:{script}:{words}:{delay}#".encode()
        body = bodies.generation(client, model, size, streamed=streamed, first=marker)
        chunked = random.random() < 0.1
        how = "streamed" if streamed else "plain"
        what = f"{client}→{home} {how} {len(body):,} bytes {marker.decode()}"
        expected = Expected(f"{kind}: {what}", number, words, client, streamed)
        return Asked(bodies.post(client.endpoint, body, chunked=chunked), expected)

    def _upload(self, size: int) -> Asked:
        number = str(next(self._numbers))
        marker = f"#{number}:ok:0:0#".encode()
        chunked = self._random.random() < 0.3
        if self._random.random() < 0.5:
            path, body = bodies.FILES, bodies.form(size, marker)
        else:
            path, body = bodies.EMBEDDINGS, bodies.embeddings("soak-chat-0", size, marker)
        what = f"{path} {len(body):,} bytes{' in chunks' if chunked else ''} {marker.decode()}"
        expected = Expected(f"upload: {what}", number, 0, None, streamed=False)
        return Asked(bodies.post(path, body, chunked=chunked), expected)
