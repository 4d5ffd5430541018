"""The endings of a form that are no result, each of which knows its whole answer to a client."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NotRequired, TypeAlias, TypedDict

from wfo_site.common.errors import DomainError
from wfo_site.common.json import NotJson, to_json

JsonSchema: TypeAlias = dict[str, Any]

# Where an error stands that belongs to a whole page or a whole nested model.
ROOT = "__root__"


class FieldError(TypedDict):
    """One message about one value: `loc` is its path on the page, ("__root__",) for the page as a whole."""

    type: str
    loc: tuple[int | str, ...]
    msg: str
    input: NotRequired[Any]
    ctx: NotRequired[dict[str, Any]]
    url: NotRequired[str]


class FormBody(TypedDict):
    """What is said of a form that did not end in a result, as clients know it."""

    type: str
    detail: str
    title: str
    status: int
    form: NotRequired[JsonSchema]
    meta: NotRequired[dict[str, Any] | None]
    validation_errors: NotRequired[list[dict[str, Any]]]


class FormNotCompleteError(DomainError):
    """The form asks for another page. `form` is its JSON schema, `meta` says whether more pages follow.

    `index` is how many pages were accepted before it.
    """

    code = "form_not_complete"
    status = HTTPStatus.NOT_EXTENDED

    def __init__(self, form: JsonSchema, meta: dict[str, Any] | None = None, *, index: int = 0) -> None:
        super().__init__("The form asks for another page")
        self.form = form
        self.meta = meta
        self.index = index

    def __str__(self) -> str:
        return str(self.form)

    def body(self) -> FormBody:
        return {
            "type": "FormNotCompleteError",
            "detail": str(self),
            "title": "Form not complete",
            "status": int(self.status),
            "form": self.form,
            "meta": self.meta,
        }


class FormValidationError(DomainError):
    """A page was refused: `errors` says where and why, `index` which page (from 0), `form` is its JSON schema."""

    code = "form_not_valid"
    status = HTTPStatus.BAD_REQUEST

    def __init__(
        self, validator_name: str, errors: Sequence[FieldError], *, index: int = 0, form: JsonSchema | None = None
    ) -> None:
        super().__init__(_summary(validator_name, errors))
        self.validator_name = validator_name
        self.errors = list(errors)
        self.index = index
        self.form = form

    def body(self) -> FormBody:
        return {
            "type": "FormValidationError",
            "detail": str(self),
            "title": "Form not valid",
            "status": int(self.status),
            "validation_errors": [_sayable_error(error) for error in self.errors],
        }


class FormOverflowError(DomainError):
    """More pages were sent than the form has."""

    code = "form_overflow"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, remaining: int) -> None:
        super().__init__(f"Did not process all user_inputs ({remaining} remaining)")

    def body(self) -> FormBody:
        return {
            "type": "FormOverflowError",
            "detail": self.message,
            "title": self.status.phrase,
            "status": int(self.status),
        }


def _summary(validator_name: str, errors: Sequence[FieldError]) -> str:
    head = f"{len(errors)} validation error{'' if len(errors) == 1 else 's'} for {validator_name}"
    return "\n".join([head, *(_line(error) for error in errors)])


def _line(error: FieldError) -> str:
    place = " -> ".join(str(part) for part in error["loc"])
    context = "".join(f"; {key}={value}" for key, value in error.get("ctx", {}).items())
    return f"{place}\n  {error['msg']} (type={error['type']}{context})"


def _sayable_error(error: FieldError) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": error["type"],
        "loc": list(error["loc"]),
        "msg": error["msg"],
        "input": _sayable(error.get("input")),
    }
    if "ctx" in error:
        said["ctx"] = {key: _sayable(value) for key, value in error["ctx"].items()}
    if "url" in error:
        said["url"] = error["url"]
    return said


def _sayable(value: object) -> Any:
    """Return what JSON can hold of an input or of an exception in a context."""
    if isinstance(value, Exception):
        return str(value)
    try:
        return to_json(value)
    except NotJson:
        return str(value)
