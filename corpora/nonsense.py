"""Input that no program could answer: what the bot learns to say so to."""

from collections.abc import Callable, Sequence
from itertools import islice
from math import log
from random import Random
from string import ascii_letters, digits

from corpus_tools.dictionary import read_dictionary

_LEAST_FREQUENCY = 20
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_SYLLABLES = "嘎叽咕噜哔叭啵哒嘟呱咔咻噗喵咩哞叮咚嗡滴"
_MARKS = "~!@#$%^&*()_+-=[]{};:'<>/|\\？！，。、…—"
_SCRIPTS = (
    "абвгдежзиклмнопрстуфхцчшщыьэюя",
    "가나다라마바사아자차카하고노도로보소오조",
    *("aeiourstlnmdkpg",) * 2,
)
_ACCENTS = "éèêàçüöäßñóíåø"
_SIGNS = ("", "", "=", "(", ")", "+", "-", "*", "/", ".", ",", "_", "#", "[]", ";", "^2")
_FRAMES = (
    *("{}", "{}{}", "{}{}{}", "{}的{}", "什么是{}", "{}是什么", "{}怎么{}", "{}和{}有什么区别"),
    *("帮我{}", "你会{}吗", "怎么{}{}", "{}的{}是多少", "{}为什么{}", "谁是{}", "{}在哪", "{}呢"),
    *("我要{}一个{}", "{}了{}", "把{}给{}", "{}不{}", "{}吗", "介绍一下{}", "{}怎么算", "{}几年了"),
)


class Nonsense:
    """Draw mashed keys, babble, words that were never said here, and scrambled questions."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._questions = questions
        self._words = _unsaid_words({part for question in questions for part in _parts(question)})

    def draw(self, random: Random) -> str:
        """Return one input."""
        kinds: tuple[Callable[[Random], str], ...] = (
            *[self._strange_words] * 4,
            self._scrambled,
            _keys,
            _babble,
            _marks,
            _foreign,
            _code,
        )
        return random.choice(kinds)(random)

    def _strange_words(self, random: Random) -> str:
        frame = random.choice(_FRAMES)
        return frame.format(*random.choices(self._words, k=frame.count("{}")))

    def _scrambled(self, random: Random) -> str:
        characters = list("".join(random.sample(self._questions, 2)))
        random.shuffle(characters)
        return "".join(characters[: random.randint(3, 12)])


def _unsaid_words(said: set[str]) -> list[str]:
    """Return words of jieba's dictionary that hold no word of the corpus, the rarest left out."""
    weights, once = read_dictionary()
    least = once + log(_LEAST_FREQUENCY)
    return sorted(
        word
        for word, weight in weights.items()
        if weight > least and 2 <= len(word) <= 4 and not _parts(word) & said
    )


def _parts(word: str) -> set[str]:
    return {word[i : i + 2] for i in range(len(word) - 1)}


def _keys(random: Random) -> str:
    row = random.choice(_ROWS)
    if random.random() < 0.5:
        start = random.randrange(len(row) - 2)
        return row[start : start + random.randint(3, 6)] * random.choice((1, 1, 2))
    return "".join(random.choices(row + random.choice(_ROWS), k=random.randint(3, 12)))


def _babble(random: Random) -> str:
    return "".join(random.choices(random.sample(_SYLLABLES, 3), k=random.randint(3, 9)))


def _foreign(random: Random) -> str:
    """Return words in letters that nobody here reads, some with accents."""
    letters = random.choice(_SCRIPTS)
    if letters.isascii():
        letters += random.choice(_ACCENTS)
    words = ("".join(random.choices(letters, k=random.randint(2, 9))) for _ in range(9))
    return " ".join(islice(words, random.randint(2, 7)))


def _code(random: Random) -> str:
    """Return names, numbers and signs as in programs, formulas, serial numbers."""
    pieces = [
        "".join(random.choices(random.choice((ascii_letters, digits)), k=random.randint(1, 6)))
        + random.choice(_SIGNS)
        for _ in range(random.randint(2, 6))
    ]
    return random.choice(("", " ")).join(pieces)


def _marks(random: Random) -> str:
    return "".join(random.choices(_MARKS, k=random.randint(2, 8)))
