from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "wfo_site.accounts"
    label = "accounts"
    verbose_name = "Accounts"
