"""What a browser without scripts would post from HTML: the names and values of its controls."""

from __future__ import annotations

from html.parser import HTMLParser

from django.http import QueryDict


def posted(*pairs: tuple[str, str]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, text in pairs:
        query.appendlist(name, text)
    return query


def posted_by(html: str, *, button: tuple[str, str] | None = None) -> QueryDict:
    """Return the controls of `html` as posted when `button` (name, value) is pressed; buttons alone are not posted."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return posted(*reader.found, *([button] if button else []))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._textarea: str | None = None
        self._text = ""
        self._select: str | None = None
        self._chosen: list[str] = []
        self._first: str | None = None
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "template":
            self._templates += 1
        if self._templates or "disabled" in given:
            return
        name = given.get("name", "")
        match tag:
            case "input" if name:
                if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                    self.found.append((name, given.get("value", "")))
            case "textarea":
                self._textarea, self._text = name, ""
            case "select":
                self._select, self._chosen, self._first = name, [], None
            case "option":
                value = given.get("value", "")
                self._first = value if self._first is None else self._first
                if "selected" in given:
                    self._chosen.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._templates -= 1
        elif tag == "textarea" and self._textarea is not None:
            # The first line break after the tag is not part of the text.
            self.found.append((self._textarea, self._text.removeprefix("\n").replace("\n", "\r\n")))
            self._textarea = None
        elif tag == "select" and self._select is not None:
            chosen = self._chosen or ([self._first] if self._first is not None else [])
            self.found.extend((self._select, value) for value in chosen[-1:])
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._text += data
