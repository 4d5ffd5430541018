"""All addresses, put together from the apps."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from wfo_site import home

admin.site.site_header = "Orchestrator administration"
admin.site.site_title = "Orchestrator administration"

urlpatterns = [
    path("", home.home, name="home"),
    path("home/out-of-sync/", home.out_of_sync, name="home-out-of-sync"),
    path("home/subscriptions/", home.active_subscriptions, name="home-subscriptions"),
    path("home/products/", home.products, name="home-products"),
    path("accounts/", include("wfo_site.accounts.urls")),
    path("subscriptions/", include("subscriptions.urls")),
    path("", include("workflows.urls")),
    path("api/", include("wfo_site.api")),
    path("admin/", admin.site.urls),
]

# JSON under /api, the templates 400.html to 500.html elsewhere.
handler400 = "wfo_site.common.rest.handlers.bad_request"
handler403 = "wfo_site.common.rest.handlers.permission_denied"
handler404 = "wfo_site.common.rest.handlers.page_not_found"
handler500 = "wfo_site.common.rest.handlers.server_error"
