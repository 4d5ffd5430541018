"""Every field kind has the JSON schema and gives the results that clients were written against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict, ValidationError

from tests.workflows.forms.golden_pages import FIELDS, REQUIRED
from workflows.forms import FormPage
from workflows.forms.protocol import page_schema

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text())
KINDS = [name for name in GOLDEN if not name.startswith("_")]
POSTS = [(kind, post) for kind in KINDS for post in GOLDEN[kind].get("posts", {})]


def page_of(kind: str) -> type[FormPage]:
    annotation, default = FIELDS[kind]
    namespace: dict[str, Any] = {"__annotations__": {"f": annotation}, "model_config": ConfigDict(title=kind)}
    if default is not REQUIRED:
        namespace["f"] = default
    return type(kind, (FormPage,), namespace)


def test_every_golden_kind_is_covered() -> None:
    assert set(FIELDS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_equals_the_golden_one(kind: str) -> None:
    assert json.loads(json.dumps(page_schema(page_of(kind)))) == GOLDEN[kind]["schema"]


@pytest.mark.parametrize(("kind", "post"), POSTS)
def test_post_gives_the_golden_result(kind: str, post: str) -> None:
    expected = GOLDEN[kind]["posts"][post]
    try:
        page = page_of(kind)(**json.loads(post))
    except ValidationError as error:
        said = [{"loc": list(e["loc"]), "type": e["type"], "msg": e["msg"]} for e in error.errors()]
        assert said == expected["errors"]
    else:
        assert page.model_dump(mode="json") == expected["ok"]
