"""Logging in and out, and changing one's own password."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy

from wfo_site.accounts.forms import LoginForm, OwnPasswordForm

LOGIN_TEMPLATE = "accounts/login.html"


class LoginView(views.LoginView):
    """GET shows the form; POST logs in and goes to `next`, or answers 422 with the form and what is wrong."""

    template_name = LOGIN_TEMPLATE
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=HTTPStatus.UNPROCESSABLE_ENTITY)


class LogoutView(views.LogoutView):
    """POST ends the session; GET answers 405, so that no link or picture can log anybody out."""


class PasswordChangeView(views.PasswordChangeView):
    """Change one's own password; the session goes on, all others of the user end."""

    template_name = "accounts/password_change.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Other sessions of yours were logged out.")
        return super().form_valid(form)

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=HTTPStatus.UNPROCESSABLE_ENTITY)


def locked_out(request: HttpRequest, *_details: object) -> HttpResponse:
    """Answer 429 to somebody who guessed too often. Called by django-axes, with different arguments sync and async."""
    minutes = round(settings.AXES_COOLOFF_TIME * 60)
    form = LoginForm(request)
    form.full_clean()
    return render(
        request,
        LOGIN_TEMPLATE,
        {
            "form": form,
            "locked_out": f"Too many failed logins for this name from your address. Try again in {minutes} minutes.",
        },
        status=HTTPStatus.TOO_MANY_REQUESTS,
    )
