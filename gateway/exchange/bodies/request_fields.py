"""Reads single fields of a client's request body, before the body is decoded whole."""

from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from operator import attrgetter

import msgspec

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.body_pieces import decode_in_pieces
from gateway.exchange.bodies.unreadable_body import NOT_AN_OBJECT, UNREADABLE, unreadable
from gateway.exchange.decision import MAX_MODEL_LENGTH, Decision
from gateway.resolve.features import NO_REASONING, REASONING, TOOLS
from gateway.resolve.memory import Features
from gateway.shapes import Json
from gateway.texts import check_utf8

PATH_MODEL_WINS = "the body's model was ignored: the path names the deployment"


NO_FEATURES: Features = frozenset()


class Routed(msgspec.Struct, gc=False):
    """The few fields of a request body that routing needs; the rest is skipped, not decoded.

    Among the fields are those that a model may not take (`own_endpoint.watched`), and those that
    say which stored conversation is continued: so the body is read once for all of that. A field
    that is not given is empty.
    """

    model: object = None
    stream: object = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    functions: msgspec.Raw = msgspec.Raw(b"")
    reasoning_effort: msgspec.Raw = msgspec.Raw(b"")
    reasoning: msgspec.Raw = msgspec.Raw(b"")
    thinking: msgspec.Raw = msgspec.Raw(b"")
    output_config: msgspec.Raw = msgspec.Raw(b"")
    prompt: msgspec.Raw = msgspec.Raw(b"")
    frequency_penalty: msgspec.Raw = msgspec.Raw(b"")
    logit_bias: msgspec.Raw = msgspec.Raw(b"")
    logprobs: msgspec.Raw = msgspec.Raw(b"")
    max_tokens: msgspec.Raw = msgspec.Raw(b"")
    presence_penalty: msgspec.Raw = msgspec.Raw(b"")
    seed: msgspec.Raw = msgspec.Raw(b"")
    stop: msgspec.Raw = msgspec.Raw(b"")
    temperature: msgspec.Raw = msgspec.Raw(b"")
    text: msgspec.Raw = msgspec.Raw(b"")
    top_p: msgspec.Raw = msgspec.Raw(b"")
    verbosity: msgspec.Raw = msgspec.Raw(b"")
    input: msgspec.Raw = msgspec.Raw(b"")
    conversation: msgspec.Raw = msgspec.Raw(b"")
    previous_response_id: msgspec.Raw = msgspec.Raw(b"")
    store: msgspec.Raw = msgspec.Raw(b"")


class _Prompted(msgspec.Struct, gc=False):
    prompt: msgspec.Raw = msgspec.Raw(b"")


_NOTHINGS = (b"", b"null", b"[]", b"{}")
_LONGEST_NOTHING = 64
"""A value of more bytes counts as given, whatever blanks are in it: it is not copied to see."""

_EFFORTS = {"enabled": "enabled", "adaptive": "adaptive", "disabled": "none"}
"""The efforts that the types of `thinking` mean, whether or not an effort is given as well."""

_READERS = {name: attrgetter(name) for name in Routed.__struct_fields__}


_decoder = msgspec.json.Decoder(Routed)


MOST_AT_ONCE = 1024 * 1024
"""The largest body to decode in one call, in 2 ms."""

_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


_prompt_decoder = msgspec.json.Decoder(_Prompted)


def read_routed(body: bytes, decode: Callable[[bytes], Routed] = _decoder.decode) -> Routed:
    """Decode what routing needs; raises `InvalidRequest` for anything but a JSON object.

    The rest may not be UTF-8. Code that decodes it finds that out; for other bodies there is
    `check_encoding`, which takes as long as this function in a long conversation.
    """
    try:
        return decode(body)
    except UNREADABLE as error:
        raise unreadable(error, body) from None


def check_encoding(body: bytes) -> None:
    """Raise `InvalidRequest` for a body that is not UTF-8, before it is sent as it is."""
    try:
        check_utf8(body)
    except UnicodeDecodeError as error:
        raise unreadable(error, body) from None


def has_any(routed: Routed, fields: Iterable[str]) -> bool:
    """Whether a body has one of these `fields` of `Routed`; raises `KeyError` for other names."""
    return any(_READERS[name](routed) for name in fields)


def has_prompt_list(body: bytes) -> bool:
    """Whether a body's `prompt` is a list; it is skimmed, not decoded. Raises `InvalidRequest`."""
    try:
        return bytes(_prompt_decoder.decode(body).prompt).lstrip().startswith(b"[")
    except UNREADABLE as error:
        raise unreadable(error, body) from None


def field_names(body: bytes) -> AbstractSet[str]:
    """Return the names of a body's fields, which are skimmed; raises `InvalidRequest`."""
    return decode_fields(body).keys()


def decode_fields(body: bytes) -> dict[str, msgspec.Raw]:
    """Return a body's fields, each still encoded; raises `InvalidRequest`."""
    try:
        return _fields_decoder.decode(body)
    except UNREADABLE as error:
        raise unreadable(error, body) from None


def read_words(body: bytes, names: Collection[str]) -> Json:
    """Return the fields with these names that are texts or objects; raises `InvalidRequest`."""
    fields = decode_fields(body)
    return {
        name: decode_field(fields[name], name)
        for name in names
        if name in fields and bytes(memoryview(fields[name])[:1]) in (b'"', b"{")
    }


def read_objects(body: bytes) -> Json:
    """Return a body with its objects decoded, and None for all its other fields.

    Raises `InvalidRequest`.
    """
    return {
        name: decode_field(raw, name) if bytes(memoryview(raw)[:1]) == b"{" else None
        for name, raw in decode_fields(body).items()
    }


def wants_usage(body: bytes) -> bool:
    """Whether a body of chat or completions asks for its stream's usage; see `read_objects`."""
    raw = decode_fields(body).get("stream_options")
    options = None if raw is None else decode_field(raw, "stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def read_object(body: bytes) -> Json:
    """Decode a whole body; raises `InvalidRequest` for anything but a JSON object.

    One of many megabytes is decoded in pieces, so that other threads may run in between.
    """
    try:
        is_small = len(body) < MOST_AT_ONCE
        decoded = msgspec.json.decode(body) if is_small else decode_in_pieces(body)
    except UNREADABLE as error:
        raise unreadable(error, body) from None
    if not isinstance(decoded, dict):
        raise unreadable(ValueError(NOT_AN_OBJECT), body)
    return decoded


def with_path_model(body: bytes, model: str, decision: Decision) -> bytes:
    """Return a body with the model that the path names: the path wins, as it does at Azure.

    If the body has that model already, the same bytes are returned. Otherwise all other values stay
    as they are, and the client is warned of a model that is replaced. Raises `InvalidRequest` for a
    bad name and for anything but an object.
    """
    checked_model(model)
    fields = decode_fields(body)
    named = decode_field(fields.get("model", msgspec.Raw()), "model")
    if named == model:
        return body
    if named is not None:
        decision.warn(PATH_MODEL_WINS)
    return _named(fields, model)


def with_model(body: bytes, model: str) -> bytes:
    """Return a body with another model, and all other values as they are.

    Raises `InvalidRequest` for anything but an object.
    """
    return _named(decode_fields(body), model)


def _named(fields: dict[str, msgspec.Raw], model: str) -> bytes:
    return msgspec.json.encode({**fields, "model": msgspec.Raw(msgspec.json.encode(model))})


def model_of(routed: Routed) -> str:
    """Return the model that the body names; raises `InvalidRequest` with `param: model`."""
    model = routed.model
    if type(model) is str and 0 < len(model) <= MAX_MODEL_LENGTH and model.isprintable():
        return model
    if model is None:
        raise InvalidRequest(
            "you must provide a model parameter", param="model", code="missing_required_parameter"
        )
    if not isinstance(model, str):
        raise _no_name()
    return checked_model(model)


def checked_model(model: str) -> str:
    """Return a model's name, wherever it was found; raises `InvalidRequest` for a bad one."""
    if not model:
        raise _no_name()
    if len(model) > MAX_MODEL_LENGTH or not model.isprintable():
        raise InvalidRequest(
            f"'model' must be at most {MAX_MODEL_LENGTH} printable characters.",
            param="model",
            code="invalid_value",
        )
    return model


def _no_name() -> InvalidRequest:
    return InvalidRequest("'model' must be a non-empty string.", param="model", code="invalid_type")


def has_prompt_object(routed: Routed) -> bool:
    """Whether a responses request names a reusable prompt."""
    return bytes(routed.prompt).lstrip().startswith(b"{")


def features_of(routed: Routed) -> Features:
    """Return what the request uses that can move its endpoint (`gateway.resolve.features`)."""
    efforts = routed.reasoning_effort or routed.reasoning or routed.thinking or routed.output_config
    if not (routed.tools or routed.functions or efforts):
        return NO_FEATURES
    features = set()
    if _given(routed.tools) or _given(routed.functions):
        features.add(TOOLS)
    effort = _effort_of(routed)
    if effort:
        features.add(NO_REASONING if effort == "none" else REASONING)
    return frozenset(features)


def _effort_of(routed: Routed) -> object:
    """Return the reasoning effort that a request sets, under the name of any shape."""
    effort = decode_field(routed.reasoning_effort, "reasoning_effort")
    for name in ("reasoning", "output_config"):
        holder = decode_field(_READERS[name](routed), name)
        if isinstance(holder, dict):
            effort = effort or holder.get("effort")
    thinking = decode_field(routed.thinking, "thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    return _EFFORTS.get(kind, effort) if isinstance(kind, str) else effort


def _given(raw: msgspec.Raw) -> bool:
    return len(raw) > _LONGEST_NOTHING or bytes(raw).strip() not in _NOTHINGS


def decode_field(raw: msgspec.Raw, name: str) -> object:
    """Decode one field, None if it is absent.

    Raises `InvalidRequest`: a value that was skipped so far may be out of range (1e400).
    """
    if not bytes(raw):
        return None
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise unreadable(error, bytes(raw), name) from None
