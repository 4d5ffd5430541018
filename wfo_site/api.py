"""The REST API: every path under /api, its schema and its documentation page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularJSONAPIView, SpectacularSwaggerSplitView

from products.api.views import urlpatterns as product_paths
from subscriptions.api.descriptions import urlpatterns as description_paths
from subscriptions.api.views import urlpatterns as subscription_paths
from wfo_site.common.rest.paths import both
from wfo_site.common.rest.problems import problem_response
from workflows.api.urls import urlpatterns as workflow_paths


class Documentation(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, under the same content security policy as every page."""

    template_name = "api/docs.html"
    url_name = "api-schema"


@csrf_exempt
@login_not_required
def unknown(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    """Answer 404 as JSON: programs that mistype a path should not be shown a page, nor sent to a login."""
    return problem_response(404, "Not Found")


def with_health(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Add the health check to the schema; it is a plain view, so that it depends on nothing (a hook of the schema)."""
    said = {"description": "The JSON text OK", "content": {"application/json": {"schema": {"type": "string"}}}}
    broken = {
        "description": "The database does not answer",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ProblemDetail"}}},
    }
    operation = {
        "operationId": "get_health",
        "description": "Say whether the server can serve. No login is needed.",
        "tags": ["health"],
        "security": [{}],
        "responses": {"200": said, "500": broken},
    }
    return {**result, "paths": {**result["paths"], "/api/health/": {"get": operation}}}


urlpatterns = [
    *workflow_paths,
    *subscription_paths,
    *description_paths,
    *product_paths,
    path("", include("wfo_site.observability.urls")),
    *both("schema", SpectacularAPIView.as_view(), name="api-schema"),
    *both("openapi.json", SpectacularJSONAPIView.as_view()),
    *both("docs", Documentation.as_view(), name="api-docs"),
    # Last: it takes every path that nothing above took.
    re_path(r"^", unknown),
]
