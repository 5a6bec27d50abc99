"""The pair whose replies come from a chat endpoint."""

from gateway.shapes import Shape
from gateway.translate.messages_via_chat.reply import fold_replies
from gateway.translate.messages_via_chat.stream import MessagesStream
from tests.translate.messages_client import Pair

PAIR = Pair(Shape.CHAT, fold_replies, MessagesStream)
