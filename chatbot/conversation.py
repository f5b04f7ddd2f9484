"""A talk of many turns with one person."""

from collections import deque
from collections.abc import Sequence

from chatbot.bot import ChatBot
from chatbot.decoding import Decoding
from chatbot.reply import Reply

REMEMBERED = 20
"""Turns that are kept; a reply among them is not given again where the model has another."""


class Conversation:
    """Answer each turn in the light of those before it. For one person, and one thread.

    Where the search kept several replies and the bundle says when one is sure enough (`fallback`
    in its manifest), the best that was not said lately is given: who asks again gets another.
    """

    def __init__(self, bot: ChatBot, decoding: Decoding | None = None) -> None:
        self.bot = bot
        self.decoding = decoding or bot.bundle.decoding
        self.turns: deque[str] = deque(maxlen=REMEMBERED)

    def reply(self, text: str) -> Reply:
        """Return the reply to the person's turn, and remember both."""
        found = self.bot.candidates(text, self.decoding, context=tuple(self.turns))
        reply = self._freshest(found)
        self.turns += (text, reply.text)
        return reply

    def _freshest(self, found: Sequence[Reply]) -> Reply:
        best, fallback = found[0], self.bot.bundle.fallback
        if fallback is None or not best.understood:
            return best
        fresh = (
            reply
            for reply in found
            if reply.text not in self.turns and not fallback.replaces(reply, self.decoding)
        )
        return next(fresh, best)
