"""Small parts of pages, rendered as templates do."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.template import Context, Template
from django.utils import timezone

from wfo_site.common.templatetags.ui import duration, relative

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def rendered(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=40), "25 Mar 2026"),
        (-timedelta(hours=2), "in 2 h"),
        (-timedelta(seconds=5), "in a moment"),
    ],
)
def test_relative_time(before: timedelta, words: str) -> None:
    assert relative(NOW - before, NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0184, "18 ms"), (0.42, "0.4 s"), (12, "12 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_ago_keeps_the_exact_time() -> None:
    html = rendered("{% ago when %}", when=NOW)
    assert 'datetime="2026-05-04T12:00:00+00:00"' in html
    assert 'title="4 May 2026, 12:00:00 UTC"' in html


def test_status_says_more_than_its_colour() -> None:
    html = rendered("{% status_badge 'awaiting_callback' %}")
    assert "awaiting callback" in html
    assert "tone-wait" in html
    assert "#hourglass" in html


def test_json_tree_escapes_and_nests() -> None:
    html = rendered("{% json_tree value %}", value={"a": [1, None, True, "<b>"], "e": {}})
    for text in ("<details", ">a<", ">1<", "null", "true", "&lt;b&gt;", "{ }"):
        assert text in html


def test_json_tree_shows_numbers_as_json_writes_them() -> None:
    assert ">1234567<" in rendered("{% json_tree 1234567 %}")


def test_short_id_copies_the_whole() -> None:
    html = rendered("{% short_id value %}", value="0192f0c1-0000-7000-8000-00000000beef")
    assert 'data-copy="0192f0c1-0000-7000-8000-00000000beef"' in html
    assert "0192f0c1…beef" in html


def test_full_id_is_shown_whole_and_copied() -> None:
    html = rendered("{% full_id value %}", value="0192f0c1-0000-7000-8000-00000000beef")
    assert ">0192f0c1-0000-7000-8000-00000000beef<" in html
    assert 'data-copy="0192f0c1-0000-7000-8000-00000000beef"' in html


def test_moment_is_a_date_and_says_how_long_ago_while_that_helps() -> None:
    lately = timezone.now() - timedelta(hours=2)
    html = rendered("{% moment when %}", when=lately)
    assert f"{lately:%Y, %H:%M} UTC" in html
    assert "2 h ago" in html
    assert rendered("{% moment when %}", when=datetime(2020, 1, 2, 3, 4, tzinfo=UTC)).endswith(
        "2 Jan 2020, 03:04 UTC</time>"
    )
    assert "\N{EN DASH}" in rendered("{% moment when %}", when=None)


def test_names_with_hyphens_stay_whole_and_are_escaped() -> None:
    html = rendered("{{ text|whole_words }}", text="port  10G ams-pe-1 <b-c>")
    assert html == 'port  10G <span class="word">ams-pe-1</span> <span class="word">&lt;b-c&gt;</span>'
    assert rendered("{{ text|whole_words }}", text="<b>") == "&lt;b&gt;"


def test_vendored_files_have_their_checksums() -> None:
    call_command("vendor_assets", check=True)


def test_a_changed_vendored_file_is_named(tmp_path: Path) -> None:
    copy = tmp_path / "static"
    shutil.copytree(settings.STATICFILES_DIRS[0], copy)
    (copy / "vendor/idiomorph/idiomorph-ext.min.js").write_text("changed")
    (copy / "vendor/more.js").write_text("unknown")
    with pytest.raises(CommandError, match=r"idiomorph-ext.min.js has changed; vendor/more.js is not listed"):
        call_command("vendor_assets", check=True, static=copy)


def test_templates_name_only_icons_that_the_sprite_has() -> None:
    static = Path(settings.STATICFILES_DIRS[0])
    tree = ET.parse(static / "icons/sprite.svg")
    known = {symbol.get("id") for symbol in tree.getroot()}
    used = {
        name
        for template in (static.parent / "templates").rglob("*.html")
        for name in re.findall(r'{% icon "([a-z0-9-]+)"', template.read_text())
    }
    assert used <= known
