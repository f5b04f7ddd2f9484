"""Lines of a stream: each at once, none without end."""

from io import StringIO

import pytest

from chatbot import lines as module
from chatbot.errors import UsageError
from chatbot.lines import lines


def test_ends_of_lines_are_cut_off():
    assert [*lines(StringIO("你好\r\n\n  再见", newline=""))] == ["你好", "", "  再见"]


def test_a_line_without_end_is_refused_and_those_before_it_are_answered(monkeypatch):
    monkeypatch.setattr(module, "MAX_LINE", 5)
    found = lines(StringIO("五个字好\n六个字不可以\n"))
    assert next(found) == "五个字好"
    with pytest.raises(UsageError, match="line 2 of the input has more than 5 characters"):
        next(found)


def test_a_line_is_given_before_the_next_is_read():
    class Slow(StringIO):
        def readline(self, size=-1):
            if self.tell():
                raise AssertionError("too early")
            return super().readline(size)

    assert next(lines(Slow("你好\n再见\n"))) == "你好"
