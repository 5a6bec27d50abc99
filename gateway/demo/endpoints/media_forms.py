"""The media endpoints that take a form: image edits and variations, transcription, translation.

Replies repeat what arrived; the journal has every field and the hash of every file.
"""

from collections.abc import Collection

from gateway.demo.call import RequestContext
from gateway.demo.endpoints.media import pictures
from gateway.demo.form import Form
from gateway.demo.generation.answer import Json
from gateway.demo.models import VARIATIONS_MODEL, Endpoint
from gateway.demo.refusals.parameters import invalid_type
from gateway.demo.rules import checks, shared

_EDIT_FIELDS = frozenset({"model", "prompt", "n", "size", "quality", "background", "user"})
_VARIATION_FIELDS = frozenset({"model", "n", "size", "response_format", "user"})
_SPEECH_FIELDS = frozenset({"model", "prompt", "response_format", "temperature"})
_TEXT_FORMATS = ("text", "srt", "vtt")


async def image_edits(context: RequestContext) -> None:
    """POST /v1/images/edits: one grey pixel each, whatever the image."""
    form = await context.call.form("image", "image[]", "mask")
    shared.check_known(_EDIT_FIELDS, form.fields)
    context.account.model_for(form.text("model", "gpt-image-1"), Endpoint.IMAGE_EDITS)
    form.required_text("prompt")
    if "image[]" not in form.files:
        form.required_file("image")
    await context.call.reply_json(pictures(_count(form)))


async def image_variations(context: RequestContext) -> None:
    """POST /v1/images/variations: the same pixel, or URLs."""
    form = await context.call.form("image")
    shared.check_known(_VARIATION_FIELDS, form.fields)
    context.account.model_for(form.text("model", VARIATIONS_MODEL.id), Endpoint.IMAGE_VARIATIONS)
    form.required_file("image")
    count = _count(form)
    if _one_of(form, "response_format", ("url", "b64_json")) == "b64_json":
        await context.call.reply_json(pictures(count))
        return
    urls = [{"url": f"https://images.invalid/{number}.png"} for number in range(count)]
    await context.call.reply_json({"created": 0, "data": urls})


async def transcriptions(context: RequestContext) -> None:
    """POST /v1/audio/transcriptions: a sentence with the recording's name and size."""
    await _listen(context, Endpoint.TRANSCRIPTIONS, _SPEECH_FIELDS | {"language"}, "transcribe")


async def translations(context: RequestContext) -> None:
    """POST /v1/audio/translations: the same."""
    await _listen(context, Endpoint.TRANSLATIONS, _SPEECH_FIELDS, "translate")


async def _listen(
    context: RequestContext, endpoint: Endpoint, names: Collection[str], task: str
) -> None:
    form = await context.call.form("file")
    shared.check_known(names, form.fields)
    context.account.model_for(form.required_text("model"), endpoint)
    file = form.required_file("file")
    text = f"To {task}: {file.filename}, {file.size} bytes."
    wanted = _one_of(form, "response_format", ("json", "verbose_json", *_TEXT_FORMATS))
    if wanted in _TEXT_FORMATS:
        await context.call.reply(f"{text}\n".encode(), "text/plain; charset=utf-8")
        return
    reply: Json = {"text": text}
    if wanted == "verbose_json":
        reply |= {"task": task, "language": form.text("language", "english"), "duration": 1.0}
    await context.call.reply_json(reply)


def _count(form: Form) -> int:
    text = form.text("n", "1")
    if not (text.isascii() and text.isdigit()):
        raise invalid_type("n", "an integer", "a string")
    number = int(text[:6])
    checks.integer(1, 10)("n", number)
    return number


def _one_of(form: Form, name: str, words: tuple[str, ...]) -> str:
    """Return a field that must be one of `words`; the first is the default."""
    value = form.text(name, words[0])
    checks.word(*words)(name, value)
    return value
