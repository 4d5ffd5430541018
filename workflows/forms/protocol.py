"""Walks a form generator page by page. The only module that imports pydantic_forms; all others use the names from here.

A form is a generator function `def form(state): page = yield Page; …; return {…}`. The server keeps nothing between two
posts: a client sends the inputs of all pages each time and the generator is run again from its start.
"""

from __future__ import annotations

import copy
import logging
import types
import typing
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_forms.core.shared import FormPage as _FormPage
from pydantic_forms.core.shared import GenerateFormJsonSchema, get_form_meta
from pydantic_forms.core.translations import translations as _error_texts
from pydantic_forms.exceptions import FormValidationError as _Verdict
from pydantic_forms.types import (
    AcceptData,
    AcceptItemType,
    FormMeta,
    InputForm,
    SummaryData,
    strEnum,
)
from pydantic_forms.validators import (
    Accept,
    AcceptValues,
    Button,
    ButtonsConfig,
    Callout,
    Choice,
    ContactPerson,
    ContactPersonName,
    DisplaySubscription,
    Divider,
    Hidden,
    Label,
    Layout,
    ListOfOne,
    ListOfTwo,
    LongText,
    Markdown,
    MigrationSummary,
    OrganisationId,
    Timestamp,
    callout,
    choice_list,
    contact_person_list,
    markdown,
    migration_summary,
    read_only_field,
    read_only_list,
    timestamp,
    unique_conlist,
    validate_unique_list,
)
from pydantic_forms.validators.helpers import remove_empty_items
from pydantic_i18n import PydanticI18n

from wfo_site.common.nul import visible
from workflows.forms.errors import (
    ROOT,
    FieldError,
    FormNotCompleteError,
    FormOverflowError,
    FormValidationError,
    JsonSchema,
)
from workflows.forms.limits import InputTooLarge, check_size

__all__ = [
    "Accept",
    "AcceptData",
    "AcceptItemType",
    "AcceptValues",
    "Button",
    "ButtonsConfig",
    "Callout",
    "Choice",
    "Complete",
    "ContactPerson",
    "ContactPersonName",
    "DisplaySubscription",
    "Divider",
    "FormGenerator",
    "FormMeta",
    "FormPage",
    "Hidden",
    "InputForm",
    "Label",
    "Layout",
    "ListOfOne",
    "ListOfTwo",
    "LongText",
    "Markdown",
    "MigrationSummary",
    "NextPage",
    "OrganisationId",
    "SubmitFormPage",
    "SummaryData",
    "Timestamp",
    "callout",
    "choice_list",
    "contact_person_list",
    "error_locale",
    "generate_form",
    "markdown",
    "migration_summary",
    "page_schema",
    "post_form",
    "read_only_field",
    "read_only_list",
    "remove_empty_items",
    "strEnum",
    "timestamp",
    "unique_conlist",
    "validate_unique_list",
    "walk_form",
]

logger = logging.getLogger(__name__)

State: TypeAlias = dict[str, Any]
PageType: TypeAlias = type[BaseModel]
# Yields page classes, is sent the validated page, returns what the form adds to the state.
FormGenerator: TypeAlias = Generator[Any, Any, State]
# What is walked: called with a copy of the state. A function that returns a page class is a form of one page.
StateForm: TypeAlias = Callable[[State], "FormGenerator | PageType"]

DEFAULT_LOCALE = "en_US"
_translator = PydanticI18n(_error_texts)


class FormPage(_FormPage):
    """A page of a form. Fields that are frozen keep their default, whatever is posted for them."""

    meta__: ClassVar[FormMeta | None] = {"hasNext": True}

    def __init__(self, /, **data: Any) -> None:
        BaseModel.__init__(self, **without_frozen(type(self), data))


class SubmitFormPage(FormPage):
    """The last page of a form: its button submits."""

    meta__: ClassVar[FormMeta | None] = {"hasNext": False}


@dataclass(frozen=True)
class NextPage:
    """The form asks for page number `index` (from 0)."""

    page: PageType
    index: int

    @property
    def schema(self) -> JsonSchema:
        return page_schema(self.page)

    @property
    def meta(self) -> dict[str, Any] | None:
        return cast("dict[str, Any] | None", get_form_meta(self.page))


@dataclass(frozen=True)
class Complete:
    """Every page was accepted; `result` is what the generator returned, `pages` the validated pages."""

    result: State
    pages: tuple[BaseModel, ...] = ()


def walk_form(
    form: StateForm | None, state: State, user_inputs: Sequence[Any], locale: str = DEFAULT_LOCALE
) -> NextPage | Complete:
    """Feed `user_inputs` to the form, one for each page, and say where that ends.

    `state` is copied, the generator may change its copy. Raises FormValidationError for the first page that is refused,
    FormOverflowError when inputs are left over, and whatever the code of the form itself raises.
    """
    if form is None:
        # Clients send one empty page to a workflow without a form; there is nothing to check it against.
        return Complete({})
    _check_size(user_inputs)
    current = copy.deepcopy(state)
    generator = _started(form(current))
    accepted: list[BaseModel] = []
    try:
        page: PageType = next(generator)
        for index, user_input in enumerate(user_inputs):
            model = _validated(page, visible(user_input), index, locale)
            accepted.append(model)
            current.update(model.model_dump())
            page = generator.send(model)
    except StopIteration as stop:
        if remaining := len(user_inputs) - len(accepted):
            raise FormOverflowError(remaining) from None
        return Complete(dict(stop.value or {}), tuple(accepted))
    finally:
        # What the form holds open (a cursor, a lock) ends here, not when the garbage collector comes by.
        generator.close()
    return NextPage(page, len(accepted))


def post_form(form: StateForm | None, state: State, user_inputs: Sequence[Any], locale: str = DEFAULT_LOCALE) -> State:
    """Return the result of the form. Raises FormNotCompleteError when it asks for another page; see `walk_form`."""
    match walk_form(form, state, user_inputs, locale):
        case Complete(result=result):
            return result
        case NextPage() as ending:
            raise FormNotCompleteError(ending.schema, ending.meta, index=ending.index)


def generate_form(
    form: StateForm | None, state: State, user_inputs: Sequence[Any], locale: str = DEFAULT_LOCALE
) -> FormNotCompleteError | None:
    """Return the next page as the answer that carries its `form` and `meta`; None when the form is complete."""
    try:
        post_form(form, state, user_inputs, locale)
    except FormNotCompleteError as page:
        return page
    return None


def page_schema(page: PageType) -> JsonSchema:
    """Return the JSON schema of a page as clients get it: defaults made by factories are filled in."""
    return page.model_json_schema(schema_generator=GenerateFormJsonSchema)


def error_locale(language: str | None) -> str:
    """Return the locale of error texts for a language such as "nl" or "en-GB"; English where there is none."""
    wanted = (language or "").replace("_", "-").split("-")[0].lower()
    return next((known for known in _error_texts if known.split("_")[0] == wanted), DEFAULT_LOCALE)


def without_frozen(page: PageType, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `data` without values for frozen fields, under their name or an alias, in nested models too.

    In a nested model a frozen field without a default is an ordinary input: frozen there says only that the object does
    not change afterwards.
    """
    return _strip(page, data, nested=False)


def _strip(model: PageType, data: Mapping[str, Any], *, nested: bool) -> dict[str, Any]:
    kept = dict(data)
    for name, field in model.model_fields.items():
        for key in _input_keys(name, field) & kept.keys():
            if field.frozen and not (nested and field.is_required()):
                del kept[key]
            elif (inner := _models_in(field.annotation)) and isinstance(kept[key], dict | list | tuple):
                kept[key] = _strip_inside(inner, kept[key])
    return kept


def _strip_inside(models: list[PageType], value: Any) -> Any:
    match value:
        case dict():
            for model in models:
                value = _strip(model, value, nested=True)
            return value
        case list() | tuple():
            return [_strip_inside(models, item) for item in value]
        case _:
            return value


def _input_keys(name: str, field: FieldInfo) -> set[str]:
    alias = field.validation_alias
    aliases = {field.alias, alias if isinstance(alias, str) else None}
    if choices := getattr(alias, "choices", None):
        aliases |= {choice for choice in choices if isinstance(choice, str)}
    return {name, *(found for found in aliases if found)}


def _models_in(annotation: Any) -> list[PageType]:
    """Return the models that a value of this annotation may hold directly: itself, in a list, or one of a union."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, BaseModel) else []
    if get_origin(annotation) is typing.Annotated:
        return _models_in(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType, list, tuple, set, frozenset):
        return [model for argument in get_args(annotation) for model in _models_in(argument)]
    return []


def _check_size(user_inputs: Sequence[Any]) -> None:
    try:
        check_size(list(user_inputs))
    except InputTooLarge as error:
        # The input itself is not repeated: it is what is too large.
        raise FormValidationError("Form", [{"type": error.kind, "loc": (ROOT,), "msg": str(error)}]) from None


def _started(made: Any) -> FormGenerator:
    if isinstance(made, type) and issubclass(made, BaseModel):
        return _one_page(made)
    if not isinstance(made, Generator):
        raise TypeError(f"A form yields pages or returns a page class; this one returned a {type(made).__name__}")
    return made


def _one_page(page: PageType) -> FormGenerator:
    answer: BaseModel = yield page
    return answer.model_dump()


def _validated(page: PageType, user_input: Any, index: int, locale: str) -> BaseModel:
    if not isinstance(user_input, dict):
        wrong: FieldError = {
            "type": "model_type",
            "loc": (ROOT,),
            "msg": "Input should be a valid dictionary",
            "input": user_input,
        }
        raise FormValidationError(page.__name__, [wrong], index=index, form=page_schema(page))
    try:
        return page(**(user_input if issubclass(page, FormPage) else without_frozen(page, user_input)))
    except ValidationError as error:
        verdict = _Verdict(page.__name__, error, _translator, locale)
        logger.debug("Form page %s refused: %s", page.__name__, verdict)
        errors = cast("list[FieldError]", verdict.errors)
        raise FormValidationError(page.__name__, errors, index=index, form=page_schema(page)) from error
