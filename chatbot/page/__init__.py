"""A page of HTML that needs nothing else: it loads nothing, runs nothing and escapes everything."""

from chatbot.page.document import document, write_page
from chatbot.page.language import ENGLISH, Language, prefers_chinese
from chatbot.page.markup import Content, Markup, element, joined, said, table, text

__all__ = [
    "ENGLISH",
    "Content",
    "Language",
    "Markup",
    "document",
    "element",
    "joined",
    "prefers_chinese",
    "said",
    "table",
    "text",
    "write_page",
]
