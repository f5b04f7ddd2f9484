"""Text in, reply out: a Chinese chatbot that runs on onnxruntime.

>>> from chatbot import ChatBot
>>> bot = ChatBot.load()
>>> bot.reply("你好").text != ""
True
"""

from chatbot.bot import ChatBot
from chatbot.bundle import Bundle
from chatbot.conversation import Conversation
from chatbot.decoding import Beam, Decoding, Greedy, Sample
from chatbot.errors import BundleError, ChatbotError, UsageError
from chatbot.reply import Reply
from chatbot.text import Tokenizer, normalise
from chatbot.vocabulary import Vocabulary

__version__ = "0.1.0"

__all__ = [
    "Beam",
    "Bundle",
    "BundleError",
    "ChatBot",
    "ChatbotError",
    "Conversation",
    "Decoding",
    "Greedy",
    "Reply",
    "Sample",
    "Tokenizer",
    "UsageError",
    "Vocabulary",
    "normalise",
]
