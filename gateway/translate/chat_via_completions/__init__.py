"""Chat clients on models that live at a completions endpoint only: base and instruct models.

The messages become one prompt (`prompt/write.py`), and the model's continuation of it becomes the
assistant's message.
"""

from gateway.shapes import Json, Shape
from gateway.translate.chat_via_completions.reply import fold_replies
from gateway.translate.chat_via_completions.request import prepare
from gateway.translate.chat_via_completions.stream import ChatStream
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation


def translate(body: Json, context: Context) -> Translation:
    """Translate a chat request for a completions endpoint.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    report = Report(Shape.CHAT, Shape.COMPLETIONS)
    request = prepare(body, context, report)
    return PairTranslation(request, context, report, fold_replies, ChatStream)
