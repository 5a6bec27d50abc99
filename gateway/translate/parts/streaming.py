"""Asking for a stream, as chat clients do, at any endpoint."""

from gateway.shapes import Json
from gateway.translate.draft import Draft, not_streamed

_USAGE = "include_usage"
_OBFUSCATION = "include_obfuscation"


def streaming(draft: Draft, *, usage: bool | None = None, obfuscation: bool = False) -> bool:
    """Ask for a stream if the client does; return whether the client wants the usage in it.

    `usage`: whether the endpoint takes `include_usage`, which is then always sent, because the
    gateway's own metrics count tokens; None: the endpoint's streams have the usage anyway.
    `obfuscation`: whether the endpoint takes that option. Other options are reported.
    """
    options: Json = draft.client.get("stream_options", {})
    if not draft.client.get("stream"):
        not_streamed(draft)
        if options:
            draft.report.drop("stream_options")
        return False
    draft.upstream["stream"] = True
    wanted = bool(options.get(_USAGE))
    sent: Json = {}
    if usage:
        sent[_USAGE] = True
    elif wanted and usage is not None:
        draft.report.drop(f"stream_options.{_USAGE}")
    for name, value in options.items():
        if name == _OBFUSCATION and obfuscation:
            sent[name] = value
        elif name != _USAGE and value is not False:
            draft.report.drop(f"stream_options.{name}")
    if sent:
        draft.upstream["stream_options"] = sent
    return wanted
