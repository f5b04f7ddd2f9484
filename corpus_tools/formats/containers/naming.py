"""Names of files in archives: decoded, fit for a terminal, and hidden ones told apart."""

import re
import unicodedata

from corpus_tools.formats.encoding import LEAST_COMMON, common_share

LONGEST_NAME = 255
"""Characters of a name that are shown and stored."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HIDDEN = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


def printable(name: str) -> str:
    """Return `name` with U+FFFD for what would steer a terminal, its middle left out if long."""
    if len(name) > LONGEST_NAME:
        half = LONGEST_NAME // 2
        name = f"{name[:half]}…{name[-half:]}"
    if name.isprintable():
        return name
    return "".join("\ufffd" if unicodedata.category(each) in _INVISIBLE else each for each in name)


def decoded_name(name: bytes, otherwise: str) -> str:
    """Return a name as UTF-8 or, where the text is Chinese, as GB18030, or `otherwise`.

    Programs for Windows write names in the encoding of the system and do not say so.
    """
    for encoding in ("utf-8", "gb18030"):
        try:
            found = name.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or common_share(found) >= LEAST_COMMON:
            return found
    return otherwise


def is_hidden(name: str) -> bool:
    """Tell whether a system put the file there: `__MACOSX/…`, `.DS_Store`, anything with a dot."""
    parts = re.split(r"[/\\]", name)
    return any(
        part in _HIDDEN or (part.startswith(".") and part.strip(".") != "") for part in parts
    )
