"""Labels and help texts of fields, from `translations/<language>.json` of product packages and of the installation."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

logger = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "en-GB"
LANGUAGE = re.compile(r"[a-z]+-[A-Z]+")


def is_language(text: str) -> bool:
    """Whether `text` is written as languages are here: nl-NL."""
    return LANGUAGE.fullmatch(text) is not None


@lru_cache(maxsize=32)
def translations(language: str) -> dict[str, Any]:
    """Return all texts of a language, {} for one that nobody brings.

    Files are merged key by key: our own, those of product packages in their order, those of the installation, which
    win. They are read once; a file that is no JSON object is logged and left out.
    """
    merged: dict[str, Any] = {}
    if is_language(language):
        for path in _files(language):
            merged = _merge(merged, _read(path))
    return merged


def label(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Return what a field is called, "" where no file says so."""
    return _text(name, language)


def help_text(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Return what is said about a field beside its label, "" where no file says so."""
    return _text(f"{name}_info", language)


def _text(key: str, language: str) -> str:
    for wanted in dict.fromkeys((language, DEFAULT_LANGUAGE)):
        fields = translations(wanted).get("forms", {})
        found = fields.get("fields", {}).get(key) if isinstance(fields, Mapping) else None
        if isinstance(found, str):
            return found
    return ""


def _files(language: str) -> Iterator[Path]:
    name = f"{language}.json"
    own = apps.get_app_config("workflows")
    extensions = set(settings.WFO_EXTENSIONS)
    packages = [
        config
        for config in apps.get_app_configs()
        if extensions & {config.name, f"{type(config).__module__}.{type(config).__qualname__}"}
    ]
    for config in (own, *packages):
        yield Path(config.path) / "translations" / name
    if settings.TRANSLATIONS_DIR:
        yield Path(settings.TRANSLATIONS_DIR) / name


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        logger.warning("Translations %s cannot be read: %s", path, error)
        return {}
    if not isinstance(content, dict):
        logger.warning("Translations %s hold no JSON object", path)
        return {}
    return content


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
