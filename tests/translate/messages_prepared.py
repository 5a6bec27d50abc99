"""Messages requests as they are prepared for an endpoint of OpenAI's shapes."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.messages_via_chat import request as _chat
from gateway.translate.messages_via_responses import request as _responses
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests import kinds
from tests.translate.sealing import OpenSeal

TARGETS = (Shape.CHAT, Shape.RESPONSES)
_PREPARE: Any = {Shape.CHAT: _chat.prepare, Shape.RESPONSES: _responses.prepare}


def context(target: Shape = Shape.CHAT, kind: Profile = kinds.OPENAI, **known: Any) -> Context:
    """Return a context for a server; `able` has capabilities, `settings` translation settings."""
    able = replace(preset(kind, target), **known.pop("able", {}))
    settings = TranslationSettings(**known.pop("settings", {}))
    seal = known.pop("seal", OpenSeal())
    named = {"model_asked": "asked", "model_sent": "sent", "upstream": "up", **known}
    return Context(**named, capabilities=able, settings=settings, seal=seal)


@dataclass
class Prepared:
    """What is sent, what is said of it, and what the reply needs."""

    call: Json
    report: Report
    options: MessagesReplyOptions
    request: Any

    def named(self, param: str) -> str | None:
        """Return the client's name of an upstream parameter."""
        name: str | None = self.request.client_param(0, param)
        return name


def prepared(body: Json, of: Context | None = None, target: Shape = Shape.CHAT) -> Prepared:
    """Return a request as it is sent to an endpoint: by default to OpenAI's chat."""
    report = Report(Shape.MESSAGES, target)
    request = _PREPARE[target](body, of or context(target), report)
    return Prepared(request.call, report, request.options, request)


def refused(body: Json, of: Context | None = None, target: Shape = Shape.CHAT) -> InvalidRequest:
    """Return the error that refuses a request."""
    with pytest.raises(InvalidRequest) as caught:
        prepared(body, of, target)
    return caught.value
