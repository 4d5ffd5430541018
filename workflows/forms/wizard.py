"""Leads a person through the pages of a form. Nothing is kept on the server between two pages.

What earlier pages accepted travels in a signed hidden field; the server runs the form again from its start on every
post, so a page cannot be skipped or forged. A view uses it like this:

    wizard = Wizard(form, {"product": …}, purpose=f"start:{workflow.name}:{request.user.pk}",
                    fixed_inputs=[{"product": product_id}], posted=request.POST if request.method == "POST" else None)
    step = wizard.step()
    if step.kind == "complete":
        try:
            process_id = start_process(name, step.inputs, user=…, idempotency_key=step.idempotency_key)
        except DomainError as error:
            step = wizard.refused(error)
        else:
            return redirect("workflows:process-detail", process_id)
    return page(request, "…", {"step": step}, status=step.status)

and its template, with the form's own buttons: {% load forms %}{% form_wizard step submit="Start workflow" cancel=url %}
For `resume_process` pass `posted` the same way, no fixed inputs, `values` of the suspended state and `confirm=False`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal, TypeAlias
from uuid import UUID, uuid4, uuid5

from django.core import signing
from django.http import QueryDict

from wfo_site.common.errors import DomainError
from wfo_site.common.json import to_json
from workflows.forms.decoding import decode
from workflows.forms.errors import ROOT, FieldError, FormOverflowError, FormValidationError, JsonSchema
from workflows.forms.protocol import Complete, NextPage, State, StateForm, page_schema, walk_form
from workflows.forms.review import Said, review
from workflows.forms.rows import RowChange
from workflows.forms.wording import with_field

TOKEN = "_form_token"  # noqa: S105 - the name of a field
ACTION = "_form_action"
ROW = "_form_row"
# A form of many pages and long texts stays far below; it keeps a page from growing without bound.
MAX_TOKEN = 512 * 1024

Kind: TypeAlias = Literal["page", "complete", "error"]
NO_FIELDS: JsonSchema = {"type": "object", "properties": {}, "title": "unknown", "additionalProperties": False}


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where the wizard stands.

    kind "page": show `schema` with `values` and `errors`; "complete": `inputs` are those of all pages, fixed ones
    first, and `result` is what the form made of them; "error": `message` says why there is no form.
    """

    kind: Kind
    page_number: int = 1
    schema: JsonSchema = field(default_factory=lambda: NO_FIELDS)
    meta: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()
    inputs: list[dict[str, Any]] = field(default_factory=list)
    result: State = field(default_factory=dict)
    message: str = ""
    token: str = ""
    idempotency_key: str = ""
    # On the page that asks for the last confirmation: what was filled in, in words.
    review: list[Said] = field(default_factory=list)
    is_confirmation: bool = False
    # Under which name a browser may keep what was typed; whether this page was drawn from such a draft.
    draft_key: str = ""
    is_restored: bool = False

    @property
    def has_next(self) -> bool:
        """Whether the author of the page expects another after it. A page that asks nothing is the last."""
        return bool(self.meta.get("hasNext") and self.schema.get("properties"))

    @property
    def has_previous(self) -> bool:
        return self.page_number > 1

    @property
    def title(self) -> str:
        title = str(self.schema.get("title") or "")
        return "" if title == "unknown" else title

    @property
    def status(self) -> HTTPStatus:
        """The status for the answer: 422, which HTMX swaps in, when something was refused."""
        is_refused = self.kind == "error" or self.errors
        return HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK


@dataclass(frozen=True)
class _Memory:
    """What travels with the page: an id, the accepted inputs before it, and what was typed on pages after it."""

    wizard: str
    inputs: tuple[dict[str, Any], ...] = ()
    later: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def at(self, count: int) -> _Memory:
        return replace(self, inputs=self.inputs[:count])


class Wizard:
    """One form being filled in; made anew for each request."""

    def __init__(
        self,
        form: StateForm | None,
        state: State,
        *,
        purpose: str,
        posted: QueryDict | None = None,
        fixed_inputs: Sequence[dict[str, Any]] = (),
        values: Mapping[str, Any] | None = None,
        confirm: bool = True,
        locale: str = "en_US",
    ) -> None:
        """`purpose` names what is filled in and for whom: a page of one purpose is refused by another.

        `fixed_inputs` are those of first pages that the person does not see. `values` prefill the first page. With
        `confirm`, a form that ends on a page that announced another one asks once more before it is complete, so that
        "Next" never starts anything.
        """
        self._form = form
        self._state = state
        self._salt = f"workflows.forms.wizard:{purpose}"
        self._posted = posted
        self._fixed = [dict(item) for item in fixed_inputs]
        self._values = dict(values or {})
        self._confirm = confirm
        self._locale = locale
        self._memory = _Memory(str(uuid4()))
        self._completed_by_confirmation = False

    def step(self) -> Step:
        """Say what comes next. Raises only what the code of the form raises that is no DomainError."""
        try:
            if self._posted is None or TOKEN not in self._posted:
                return self._show(self._memory, values=self._values)
            try:
                self._memory = self._read(self._posted.get(TOKEN) or "")
            except (signing.BadSignature, ValueError, TypeError, KeyError):
                return self._show(self._memory, errors=[_root("form_expired", _EXPIRED)])
            return self._continue(self._posted)
        except DomainError as error:
            return Step(kind="error", message=_first_message(error))

    def refused(self, error: DomainError) -> Step:
        """Return the page to show when what `complete` led to was refused: the page that is wrong, or the last one."""
        index = len(self._memory.inputs)
        if isinstance(error, FormValidationError) and error.index >= len(self._fixed):
            index = min(error.index - len(self._fixed), index)
            return self._again(index, error.errors)
        shown = max(index - 1, 0)
        errors = [_root(error.code, error.message)]
        if self._completed_by_confirmation:
            return self._show(self._memory, errors=errors)
        return self._again(shown, errors)

    def _continue(self, posted: QueryDict) -> Step:
        memory = self._memory
        try:
            here = self._walk(memory.inputs)
        except FormValidationError as error:
            # The world changed since an earlier page was accepted: go back to that page and say so.
            if error.index < len(self._fixed):
                raise
            return self._again(error.index - len(self._fixed), error.errors)
        change = RowChange.parse(posted.get(ROW))
        typed = decode(_schema(here), change.before(posted))
        if change or posted.get(ACTION) == "restore":
            return replace(self._show(memory, values=change.after(typed)), is_restored=True)
        if posted.get(ACTION) == "previous":
            return self._back(here, typed)
        if isinstance(here, Complete):
            self._completed_by_confirmation = True
            return self._complete(here)
        return self._forward(here, typed)

    def _forward(self, here: NextPage, typed: dict[str, Any]) -> Step:
        memory = replace(self._memory, inputs=(*self._memory.inputs, typed))
        try:
            ending = self._walk(memory.inputs)
        except FormValidationError as error:
            if error.index - len(self._fixed) != len(self._memory.inputs):
                raise
            return self._show(self._memory, values=typed, errors=error.errors)
        if isinstance(ending, Complete) and not (self._confirm and _announces_more(here)):
            self._memory = memory
            return self._complete(ending)
        self._memory = memory
        return self._page(ending, memory, values=memory.later.get(str(len(memory.inputs)), {}))

    def _back(self, here: NextPage | Complete, typed: dict[str, Any]) -> Step:
        memory = self._memory
        index = len(memory.inputs)
        if isinstance(here, NextPage):
            memory = replace(memory, later={**memory.later, str(index): _changed(here, typed)})
        if not index:
            return self._show(memory, values=typed)
        return self._show(memory.at(index - 1), values=memory.inputs[-1])

    def _again(self, index: int, errors: Sequence[FieldError]) -> Step:
        """Show an earlier page with its input and what is wrong; what was filled in after it is kept."""
        memory = self._memory
        after = {str(index + 1 + at): data for at, data in enumerate(memory.inputs[index + 1 :])}
        values = memory.inputs[index] if index < len(memory.inputs) else {}
        return self._show(
            replace(memory.at(index), later={**memory.later, **after}), values=values, errors=list(errors)
        )

    def _show(
        self, memory: _Memory, *, values: Mapping[str, Any] | None = None, errors: Sequence[FieldError] = ()
    ) -> Step:
        return self._page(self._walk(memory.inputs), memory, values=values or {}, errors=errors)

    def _page(
        self,
        here: NextPage | Complete,
        memory: _Memory,
        *,
        values: Mapping[str, Any],
        errors: Sequence[FieldError] = (),
    ) -> Step:
        token = self._write(memory)
        shared: dict[str, Any] = {
            "page_number": len(memory.inputs) + 1,
            "inputs": [*self._fixed, *memory.inputs],
            "token": token,
            "draft_key": hashlib.sha256(self._salt.encode()).hexdigest()[:24],
            "errors": tuple(errors),
        }
        if len(token) > MAX_TOKEN:
            return Step(kind="error", message="The form holds more than can be kept from page to page; enter less.")
        if isinstance(here, Complete):
            said = review(here.pages[len(self._fixed) :])
            return Step(kind="page", is_confirmation=True, review=said, meta={"hasNext": False}, **shared)
        return Step(kind="page", schema=here.schema, meta=here.meta or {}, values=values, **shared)

    def _complete(self, ending: Complete) -> Step:
        inputs = [*self._fixed, *self._memory.inputs]
        return Step(
            kind="complete",
            page_number=len(self._memory.inputs) + 1,
            inputs=inputs,
            result=ending.result,
            idempotency_key=self._idempotency_key(inputs),
        )

    def _walk(self, inputs: Sequence[dict[str, Any]]) -> NextPage | Complete:
        try:
            return walk_form(self._form, self._state, [*self._fixed, *inputs], self._locale)
        except FormOverflowError:
            # An earlier page now leads to a shorter form.
            ending = walk_form(self._form, self._state, self._fixed, self._locale)
            raise FormValidationError(
                "Form", [_root("form_changed", _CHANGED)], index=len(self._fixed), form=_schema(ending)
            ) from None

    def _idempotency_key(self, inputs: list[dict[str, Any]]) -> str:
        """Return a key that is the same for a double click, and another once the input was changed."""
        digest = hashlib.sha256(json.dumps(to_json(inputs), sort_keys=True).encode()).hexdigest()
        return str(uuid5(UUID(self._memory.wizard), digest))

    def _write(self, memory: _Memory) -> str:
        content = {"w": memory.wizard, "i": to_json(memory.inputs), "l": to_json(memory.later)}
        return signing.dumps(content, salt=self._salt, compress=True)

    def _read(self, token: str) -> _Memory:
        if len(token) > MAX_TOKEN:
            raise ValueError("The token is longer than any that was written")
        content = signing.loads(token, salt=self._salt)
        return _Memory(str(UUID(content["w"])), tuple(content["i"]), dict(content["l"]))


_EXPIRED = "This page was made for another form or another person, so the form begins anew."
_CHANGED = "What the form asks has changed since it was begun; check the answers."


def _announces_more(page: NextPage) -> bool:
    """Whether a person who fills in this page expects another: one that asks nothing is a confirmation itself."""
    return bool((page.meta or {}).get("hasNext") and page.schema.get("properties"))


def _root(kind: str, message: str) -> FieldError:
    return {"type": kind, "loc": (ROOT,), "msg": message}


def _first_message(error: DomainError) -> str:
    if isinstance(error, FormValidationError) and error.errors:
        return "; ".join(dict.fromkeys(with_field(item) for item in error.errors))
    return error.message


def _schema(here: NextPage | Complete) -> JsonSchema:
    return page_schema(here.page) if isinstance(here, NextPage) else NO_FIELDS


def _changed(here: NextPage, typed: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the defaults of the page: those may be others when it is reached again."""
    properties = here.schema.get("properties", {})
    missing = object()
    return {key: value for key, value in typed.items() if properties.get(key, {}).get("default", missing) != value}
