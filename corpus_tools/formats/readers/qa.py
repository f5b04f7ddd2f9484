"""Questions and answers in plain text or Markdown, marked `问：` and `答：` or `Q:` and `A:`."""

import re
from dataclasses import dataclass, field

from corpus_tools.formats.records import LARGEST_DIALOGUE, Records, Skipped, pair
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_BEFORE = r"(?P<lead>[#>*_+\-\s]{0,12})(?:\d{1,4}\s?[.、．)）]\s?)?[*_]{0,2}"
_SIDE = r"(?:(?P<asked>问题|提问|问|question|q)|(?P<answered>答案|回答|回复|答复|答|answer|ans|a))"
_NUMBER = r"\s?[\d一二三四五六七八九十百]{0,5}[*_]{0,2}\s?"
_BEHIND = r"[*_]{0,2}\s*(?P<words>.*)"
_PLAIN = re.compile(
    rf"{_BEFORE}{_SIDE}{_NUMBER}(?:[:：]|(?<=[\d一二三四五六七八九十])[.、．]){_BEHIND}",
    re.IGNORECASE,
)
_BRACKETED = re.compile(rf"{_BEFORE}[【\[]{_SIDE}{_NUMBER}[】\]][:：]?{_BEHIND}", re.IGNORECASE)
_HEADING = re.compile(r"#{1,6}\s.*")
_RULE = re.compile(r"[-*_=—]{3,}")
_QUOTE = re.compile(r"^\s{0,8}(?:>\s?){1,8}")
_NEITHER = "neither question nor answer"


def looks_like_qa(sample: Sample) -> float:
    """Return 0.95 where the marks of both sides make up half of the lines, 0.7 from a tenth on."""
    marks = [mark for line in sample.lines if (mark := _mark(line))]
    asked = sum(mark["asked"] is not None for mark in marks)
    least = min(asked, len(marks) - asked)
    if not least or least < len(marks) / 4:
        return 0.0
    share = len(marks) / len(sample.lines)
    return 0.95 if share >= 0.5 else 0.7 if share >= 0.1 else 0.0


def read_qa(text: Text) -> Records:
    """Yield a pair for every answer; what stands behind a mark belongs to it up to the next one."""
    entry: _Entry | None = None
    for number, line in text.lines():
        words = _QUOTE.sub("", line).strip()
        mark = _mark(words)
        if mark and mark["asked"]:
            yield from entry.records() if entry else ()
            entry = _Entry(number, is_closed="#" in mark["lead"], question=[_words(mark)])
        elif _HEADING.fullmatch(words) or _RULE.fullmatch(words):
            yield from entry.records() if entry else ()
            entry = None
            if not _RULE.fullmatch(words):
                yield Skipped(number, _NEITHER, line)
        elif words and not (entry and entry.takes(words, mark)):
            yield Skipped(number, _NEITHER, line)
    yield from entry.records() if entry else ()


@dataclass(slots=True)
class _Entry:
    """One question and what follows it; a heading is closed: the next line is not its rest."""

    line: int
    is_closed: bool
    question: list[str]
    rest: list[str] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=list)
    size: int = 0

    def takes(self, words: str, mark: re.Match[str] | None) -> bool:
        """Add a line, if there is room for it."""
        self.size += len(words)
        if self.size > LARGEST_DIALOGUE:
            return False
        if mark:
            self.answers.append([_words(mark)])
        else:
            (self.answers[-1] if self.answers else self.rest).append(words)
        return True

    def records(self) -> Records:
        """Yield the pair with every answer, or the question that has none."""
        answers = self.answers
        if self.rest and not answers and self.is_closed:
            answers = [self.rest]
        else:
            self.question += self.rest
        question = _joined(self.question)
        told = [words for answer in answers if (words := _joined(answer))]
        if not told or not question:
            yield Skipped(self.line, "a question without an answer, or the reverse", question)
            return
        for words in told:
            yield pair(question, words)


def _mark(line: str) -> re.Match[str] | None:
    return _PLAIN.fullmatch(line) or _BRACKETED.fullmatch(line)


def _words(mark: re.Match[str]) -> str:
    """Return what stands behind a mark, without the stars of bold type around both."""
    is_bold = "**" in mark.string[: mark.start("words")]
    words: str = mark["words"].strip()
    return words.removesuffix("**") if is_bold else words


def _joined(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line)
