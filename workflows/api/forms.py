"""REST of forms that stand by themselves, and of the texts that forms and workflows are shown with."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.access import user_name
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.problems import RequestInvalid
from wfo_site.common.rest.views import ApiView
from workflows.api.request import MORE_PAGES, pages_to_start
from workflows.api.schemas import FormResult, PagesOfInput, Translations
from workflows.forms.registered import start_form
from workflows.forms.translations import LANGUAGE, is_language, translations


class RegisteredForm(ApiView):
    @extend_schema(
        operation_id="new_form",
        request=PagesOfInput,
        responses={**answers({200: FormResult}, 400, 404, 422), **MORE_PAGES},
    )
    def post(self, request: Request, form_key: str) -> Response:
        """Fill in a form that belongs to no workflow; once its last page is there, the answer is its result."""
        pages = pages_to_start(request)
        return Response(start_form(form_key, [{}] if pages is None else pages, user=user_name(request)))


class TranslationsOf(ApiView):
    permission_classes: list[Any] = []

    @extend_schema(
        operation_id="get_translations",
        auth=[],
        parameters=[
            OpenApiParameter("language", {"type": "string", "pattern": f"^{LANGUAGE.pattern}$"}, OpenApiParameter.PATH)
        ],
        responses=answers({200: Translations}, 422),
    )
    def get(self, _request: Request, language: str) -> Response:
        """Return the texts of a language, `{}` for one that nobody brings. No login is needed."""
        if not is_language(language):
            why = f"String should match pattern '^{LANGUAGE.pattern}$'"
            raise RequestInvalid(
                [{"type": "string_pattern_mismatch", "loc": ["path", "language"], "msg": why, "input": language}]
            )
        return Response(translations(language))
