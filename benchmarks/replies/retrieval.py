"""The plain alternative: answer as the nearest question of the corpus is answered."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from chatbot.text import normalise
from corpora.examples import bare, held_out
from corpora.starter import Starter

UNSURE = 0.05
"""Share of the held-out questions that get a fallback, as the bundle has it."""


class Retrieval:
    """Find the nearest of the questions that are trained on, by TF-IDF of character n-grams.

    It hears one turn only, as the corpus has no nearest talk; where nothing is near enough it says
    that it does not understand, by a threshold that is found as the bundle's is.
    """

    def __init__(self, starter: Starter) -> None:
        unseen = {bare(question) for group in starter.groups for question in held_out(group)}
        known = [
            (question, group.answers[0])
            for group in starter.groups
            for question in group.questions
            if bare(question) not in unseen
        ]
        known += [
            (dialogue.turns[place - 1], dialogue.turns[place])
            for dialogue in starter.dialogues
            for place in range(1, len(dialogue.turns), 2)
        ]
        self._replies = [reply for _, reply in known]
        self._fallbacks = starter.not_understood
        self._vectorizer = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 3), preprocessor=normalise, sublinear_tf=True
        )
        self._table = self._vectorizer.fit_transform([question for question, _ in known])
        asked = [question for group in starter.groups for question in held_out(group)]
        similarities = [self._nearest(question)[1] for question in asked]
        self._least = float(np.quantile(similarities, UNSURE))

    def replies(self, turns: Sequence[str]) -> list[str]:
        """Return the reply to each turn by itself."""
        return [self._reply(turn) for turn in turns]

    def _reply(self, turn: str) -> str:
        place, similarity = self._nearest(turn)
        if similarity < self._least:
            return self._fallbacks[len(turn) % len(self._fallbacks)]
        return self._replies[place]

    def _nearest(self, turn: str) -> tuple[int, float]:
        """Return the place of the nearest question and its cosine."""
        cosines = (self._table @ self._vectorizer.transform([turn]).T).toarray().ravel()
        place = int(cosines.argmax())
        return place, float(cosines[place])
