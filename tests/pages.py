"""What the tests of all pages share: a page read strictly, and the promise that it is safe."""

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser

VOID = {"meta"}


class Page(HTMLParser):
    """The elements of a page, and the text between them; a tag that is not closed fails."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def assert_safe(html: str) -> None:
    """Nothing is loaded or run, and the policy allows nothing but the page's own style.

    Content Security Policy 3: the hash is of the bytes between the tags.
    """
    found = Page(html)
    assert not {"script", "img", "link", "iframe", "object", "a", "use"} & set(found.names)
    names = {name for _, name, _ in found.attributes}
    assert not {"src", "href", "style", "action", "data"} & names
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    policy = next(value for _, _, value in found.attributes if "default-src" in value)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
