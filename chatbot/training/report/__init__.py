"""Runs as one page of HTML that needs nothing else: curves, samples, attention, data, recipe."""

from chatbot.training.report.account import Account
from chatbot.training.report.language import language_of
from chatbot.training.report.page import report_html

__all__ = ["Account", "language_of", "report_html"]
