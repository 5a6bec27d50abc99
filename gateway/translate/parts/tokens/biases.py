"""`logit_bias`: its keys are token ids, meaningless to a model with another vocabulary."""

from collections.abc import Mapping

from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.parts.tokens.ids import TokenIds


def sent_biases(
    biases: Mapping[str, object], context: Context, report: Report, reason: str
) -> Json | None:
    """Return the `logit_bias` to send, or None.

    If the model does not take it (for `reason`) or has another vocabulary, the id that ends a text
    is dropped, because that model ends its texts with another id. The other ids are mapped if the
    model takes biases and each id has an exact counterpart; else they are refused. Raises
    `UnsupportedParameter`.
    """
    ids, taken = context.token_ids, context.capabilities.logit_bias
    if taken and not ids.foreign:
        return dict(biases)
    rest = {token: bias for token, bias in biases.items() if bias}
    ended = str(ids.end_of_text)
    if rest.pop(ended, None):
        report.drop(f"logit_bias.{ended}" if rest else "logit_bias")
    if not rest:
        return None
    mapped = _mapped(rest, ids) if taken else None
    if mapped is None:
        unsupported(context, report, "logit_bias", _foreign(ids) if taken else reason)
    else:
        report.change("logit_bias", ids.vocabulary, ids.model_vocabulary)
    return mapped


def _mapped(biases: Mapping[str, object], ids: TokenIds) -> Json | None:
    if ids.counterpart is None:
        return None
    mapped: Json = {}
    for token, bias in biases.items():
        counterpart = ids.counterpart(int(token)) if token.isdecimal() else None
        if counterpart is None:
            return None
        mapped[str(counterpart)] = bias
    return mapped


def _foreign(ids: TokenIds) -> str:
    others = f"those of {ids.model_vocabulary}" if ids.model_vocabulary else "others"
    return (
        f"its token ids are those of {ids.vocabulary}, the model's are {others}, and not all of "
        "them have an exact counterpart that the gateway knows."
    )
