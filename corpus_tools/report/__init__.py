"""The figures of a store as one page of HTML that needs nothing else."""

from chatbot.page import Language
from corpus_tools.report.language import language_of
from corpus_tools.report.page import report_html

__all__ = ["Language", "language_of", "report_html"]
