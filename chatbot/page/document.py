"""The page around its content: its style, and the policy that forbids everything else."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from chatbot.errors import UsageError
from chatbot.page.language import Language
from chatbot.page.markup import Markup, element, joined, text


def document(title: str, content: Iterable[Markup], *, language: Language, style: str = "") -> str:
    """Return a page with `content` below `<main>`; `style` comes behind the style of all pages."""
    shared = files("chatbot.page").joinpath("page.css").read_text(encoding="utf-8")
    style = shared + style
    head = joined(
        [
            Markup('<meta charset="utf-8">'),
            Markup(
                '<meta http-equiv="Content-Security-Policy" content="'
                f"default-src 'none'; style-src '{_digest(style)}'; "
                "base-uri 'none'; form-action 'none'\">"
            ),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            element("title", title),
            Markup(f"<style>{style}</style>"),
        ]
    )
    body = element("body", element("main", *content))
    html = element("html", element("head", head), body, lang=language.tag)
    return f"<!DOCTYPE html>\n{text(html)}"


def write_page(page: str, path: Path) -> None:
    """Write a page beside its place and rename it: whole or not at all."""
    if path.exists() and not path.is_file():  # a rename would put a file in its place
        raise UsageError(f"{path}: no file. Name another for the page.")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(f"{page}\n", encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _digest(style: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}"
