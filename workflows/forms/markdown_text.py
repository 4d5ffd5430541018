"""Shows the little Markdown that forms use: headings, paragraphs, lists, emphasis, code and links.

Everything is escaped first and only known marks become elements, so no text can bring markup or a script of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_BULLET = re.compile(r"\s*[-*+]\s+(.*)")
_NUMBER = re.compile(r"\s*\d{1,9}[.)]\s+(.*)")
_FENCE = re.compile(r"\s*```")
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\[\]]+)\]\(((?:https?://|mailto:|/(?!/))[^\s()]+)\)")
_STRONG = re.compile(r"\*\*(?=\S)([^*]+)\*\*|__(?=\S)([^_]+)__")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*]+)\*(?!\w)|(?<!\w)_(?=\S)([^_]+)_(?!\w)")
# A heading of a form's text never outranks the headings of the page around it.
_LEVELS = {1: 3, 2: 4, 3: 5}


def render(text: str) -> SafeString:
    """Return HTML for `text`. Headings begin at level 3, links lead to http, https, mailto or pages of ours."""
    return mark_safe("\n".join(_blocks(text.replace("\r\n", "\n").split("\n"))))  # noqa: S308 - see the module


def _blocks(lines: list[str]) -> Iterator[str]:
    index = 0
    while index < len(lines):
        line = lines[index]
        if not line.strip():
            index += 1
        elif _FENCE.match(line):
            end = next((at for at in range(index + 1, len(lines)) if _FENCE.match(lines[at])), len(lines))
            yield f"<pre><code>{escape(chr(10).join(lines[index + 1 : end]))}</code></pre>"
            index = end + 1
        elif heading := _HEADING.match(line):
            level = _LEVELS.get(len(heading[1]), 6)
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            index += 1
        elif _BULLET.match(line) or _NUMBER.match(line):
            mark, tag = (_BULLET, "ul") if _BULLET.match(line) else (_NUMBER, "ol")
            end = _end_of(lines, index, lambda at, mark=mark: mark.match(at) is not None)  # type: ignore[misc]
            items = "".join(f"<li>{_inline(_text_of(mark, item))}</li>" for item in lines[index:end])
            yield f"<{tag}>{items}</{tag}>"
            index = end
        else:
            end = _end_of(lines, index, _is_text)
            yield f"<p>{_inline(chr(10).join(lines[index:end]))}</p>"
            index = end


def _end_of(lines: list[str], start: int, belongs: Callable[[str], bool]) -> int:
    return next((at for at in range(start + 1, len(lines)) if not belongs(lines[at])), len(lines))


def _is_text(line: str) -> bool:
    return bool(line.strip()) and not any(mark.match(line) for mark in (_HEADING, _BULLET, _NUMBER, _FENCE))


def _text_of(mark: re.Pattern[str], line: str) -> str:
    found = mark.match(line)
    return found[1] if found else line


def _inline(text: str) -> str:
    """Return inline HTML. Code is set aside first: marks inside it mean nothing."""
    parts = _CODE.split(text)
    return "".join(f"<code>{escape(part)}</code>" if at % 2 else _marked(part) for at, part in enumerate(parts))


def _marked(text: str) -> str:
    safe = str(escape(text))
    safe = _LINK.sub(r'<a href="\2" rel="noopener noreferrer">\1</a>', safe)
    safe = _STRONG.sub(lambda found: f"<strong>{found[1] or found[2]}</strong>", safe)
    return _EMPHASIS.sub(lambda found: f"<em>{found[1] or found[2]}</em>", safe)
