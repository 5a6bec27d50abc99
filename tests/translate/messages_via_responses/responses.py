"""The pair whose replies come from a responses endpoint."""

from gateway.shapes import Shape
from gateway.translate.messages_via_responses.reply import fold_replies
from gateway.translate.messages_via_responses.stream import MessagesStream
from tests.translate.messages_client import Pair

PAIR = Pair(Shape.RESPONSES, fold_replies, MessagesStream)
