"""Two files side by side: line i of the second answers line i of the first."""

from itertools import zip_longest

from corpus_tools.formats.records import Records, pair
from corpus_tools.formats.text import Text


def read_parallel(questions: Text, answers: Text) -> Records:
    """Yield the pair of every line; a file that ends early is an error."""
    asked = replied = 0
    for question, answer in zip_longest(questions.lines(), answers.lines()):
        asked += question is not None
        replied += answer is not None
        if question is not None and answer is not None:
            yield pair(question[1], answer[1])
    if asked != replied:
        raise questions.fail(
            f"{asked:,} lines, but {answers.name} has {replied:,}",
            advice="Line i must answer line i: repair the files",
        )
