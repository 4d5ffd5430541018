"""Browse the example's customers and inventory; order a fault for a demo.

What an allocation or a workflow decided (prefixes, addresses, what hangs on what) is shown, not edited.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from wfo_site.examples.network import models
from wfo_site.examples.network.inventory.interface import Inventory


class Listed(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """A table that people may edit."""


class Allocated(Listed):
    """A table whose rows only workflows make."""

    def has_add_permission(self, *_: Any) -> bool:
        return False


class Shown(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows that are shown below what they hang on, and made elsewhere."""

    extra = 0
    can_delete = False
    show_change_link = True
    # What the rows, and their titles, name of other tables, read in the same statement.
    related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related)

    def get_readonly_fields(self, *_: Any) -> list[str]:
        return [str(name) for name in self.fields or ()]

    def has_add_permission(self, *_: Any) -> bool:
        return False


@admin.register(models.Customer)
class CustomerAdmin(Listed):
    list_display = ["fullname", "shortcode", "customer_id"]
    search_fields = ["fullname", "shortcode", "customer_id"]


class FailureRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Offers the operations that there are: a rule for any other would never strike."""

    operation = forms.ChoiceField(
        choices=[
            ("*", "* (every call)"),
            *((name, name) for name in sorted(vars(Inventory)) if callable(vars(Inventory)[name]) and name[0] != "_"),
        ]
    )


@admin.register(models.FailureRule)
class FailureRuleAdmin(Listed):
    form = FailureRuleForm
    list_display = ["operation", "when", "times_left", "message"]
    list_filter = ["when"]
    list_editable = ["times_left"]
    search_fields = ["operation", "message"]


@admin.register(models.Site)
class SiteAdmin(Listed):
    list_display = ["name", "slug", "status", "id"]
    list_filter = ["status"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(models.DeviceRole)
class DeviceRoleAdmin(Listed):
    list_display = ["name", "slug", "color", "id"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(models.Manufacturer)
class ManufacturerAdmin(Listed):
    list_display = ["name", "slug", "id"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(models.DeviceType)
class DeviceTypeAdmin(Listed):
    list_display = ["model", "manufacturer", "u_height", "id"]
    list_filter = ["manufacturer"]
    list_select_related = ["manufacturer"]
    search_fields = ["model", "slug", "manufacturer__name"]
    prepopulated_fields = {"slug": ["model"]}


class InterfaceInline(Shown):
    model = models.Interface
    fields = ("name", "type", "speed", "enabled", "mode", "description")


@admin.register(models.Device)
class DeviceAdmin(Listed):
    list_display = ["name", "site", "role", "device_type", "status", "primary_ip4", "primary_ip6", "id"]
    list_filter = ["status", "site", "role", "device_type__manufacturer"]
    list_select_related = ["site", "role", "device_type__manufacturer", "primary_ip4", "primary_ip6"]
    search_fields = ["name", "=id"]
    raw_id_fields = ["primary_ip4", "primary_ip6"]
    inlines = [InterfaceInline]


class TaggedVLANInline(Shown):
    model = models.TaggedVLAN
    fields = ("vid", "vlan")
    related = ("vlan", "interface__device")
    show_change_link = False


class IPAddressInline(Shown):
    model = models.IPAddress
    fields = ("address", "status", "description")


class CableOfInterfaceInline(Shown):
    model = models.CableTermination
    fields = ("cable", "cable_end")
    related = ("cable", "interface__device")
    show_change_link = False


@admin.register(models.Interface)
class InterfaceAdmin(Listed):
    list_display = ["name", "device", "type", "speed", "enabled", "mode", "description", "id"]
    list_filter = ["enabled", "mode", "type", "device"]
    list_select_related = ["device"]
    search_fields = ["name", "device__name", "description", "=id"]
    raw_id_fields = ["device"]
    inlines = [IPAddressInline, CableOfInterfaceInline, TaggedVLANInline]


class CableTerminationInline(Shown):
    model = models.CableTermination
    fields = ("cable_end", "interface")
    related = ("cable", "interface__device")
    show_change_link = False


@admin.register(models.Cable)
class CableAdmin(Allocated):
    list_display = ["__str__", "type", "status", "id"]
    list_filter = ["status", "type"]
    search_fields = ["description", "terminations__interface__device__name", "terminations__interface__name"]
    inlines = [CableTerminationInline]


@admin.register(models.Prefix)
class PrefixAdmin(Allocated):
    list_display = ["prefix", "family", "is_pool", "status", "description", "id"]
    list_filter = ["family", "is_pool", "status"]
    search_fields = ["prefix", "description"]
    readonly_fields = ["prefix", "family", "is_pool"]


@admin.register(models.IPAddress)
class IPAddressAdmin(Allocated):
    list_display = ["address", "family", "assigned_object", "status", "description", "id"]
    list_filter = ["family", "status"]
    list_select_related = ["assigned_object__device"]
    search_fields = ["address", "description", "assigned_object__device__name"]
    readonly_fields = ["address", "family", "assigned_object"]


class VLANInline(Shown):
    model = models.VLAN
    fields = ("vid", "name", "status")


@admin.register(models.VLANGroup)
class VLANGroupAdmin(Listed):
    list_display = ["name", "vid_ranges", "id"]
    search_fields = ["name", "slug"]
    inlines = [VLANInline]


@admin.register(models.VLAN)
class VLANAdmin(Listed):
    list_display = ["vid", "name", "group", "status", "id"]
    list_filter = ["status"]
    list_select_related = ["group"]
    search_fields = ["name", "=vid", "group__name"]
    raw_id_fields = ["group"]


class L2VPNTerminationInline(Shown):
    model = models.L2VPNTermination
    fields = ("assigned_object",)
    related = ("assigned_object__group", "l2vpn")
    show_change_link = False


@admin.register(models.L2VPN)
class L2VPNAdmin(Listed):
    list_display = ["name", "type", "id"]
    list_filter = ["type"]
    search_fields = ["name", "slug"]
    inlines = [L2VPNTerminationInline]
