"""What the example network asks of an inventory (IMS and IPAM), whoever keeps it.

Names of fields and payloads are those of NetBox's REST API, so that an implementation for a real NetBox passes them on.
Ids are integers of the inventory. Speeds of interfaces are in kbit/s. Every creating call takes an idempotency key: an
object made with that key before is returned instead of being made again, because a step whose runner was killed after
the inventory had committed runs again with the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, NotRequired, Protocol, TypedDict

from wfo_site.common.errors import DomainError


class InventoryError(DomainError):
    """The inventory could not do what it was asked."""

    code = "inventory_error"
    status = HTTPStatus.BAD_GATEWAY


class InventoryNotFound(InventoryError):
    """The inventory has no object with this id."""

    code = "inventory_not_found"


class InventoryConflict(InventoryError):
    """Another object in the inventory stands in the way."""

    code = "inventory_conflict"


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    id: int
    name: str
    slug: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceRole:
    id: int
    name: str
    slug: str
    color: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manufacturer:
    id: int
    name: str
    slug: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceType:
    id: int
    manufacturer: str
    model: str
    slug: str
    u_height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    id: int
    name: str
    site: int
    device_type: int
    role: int
    status: str
    primary_ip4: int | None
    primary_ip6: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    id: int
    device: int
    name: str
    type: str
    enabled: bool
    mode: str
    description: str
    # kbit/s; None for virtual interfaces
    speed: int | None
    # ids of VLANs, not vids
    tagged_vlans: tuple[int, ...]
    cable: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cable:
    id: int
    type: str
    status: str
    description: str
    # ids of the interfaces on either end
    a_terminations: tuple[int, ...]
    b_terminations: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefix:
    id: int
    prefix: str
    description: str
    status: str
    is_pool: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class IPAddress:
    id: int
    # with the length of the prefix it was taken from, e.g. 10.0.127.1/24
    address: str
    description: str
    status: str
    # id of an interface
    assigned_object_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VLANGroup:
    id: int
    name: str
    slug: str
    vid_ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VLAN:
    id: int
    vid: int
    name: str
    group: int
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class L2VPN:
    id: int
    name: str
    slug: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class L2VPNTermination:
    id: int
    l2vpn: int
    # id of a VLAN
    assigned_object_id: int


class SitePayload(TypedDict):
    name: str
    slug: str
    status: str


class DeviceRolePayload(TypedDict):
    name: str
    slug: str
    color: str


class ManufacturerPayload(TypedDict):
    name: str
    slug: str


class DeviceTypePayload(TypedDict):
    manufacturer: ManufacturerPayload
    model: str
    slug: str
    u_height: float


class DevicePayload(TypedDict):
    name: str
    site: int
    device_type: int
    role: int
    status: str
    primary_ip4: NotRequired[int | None]
    primary_ip6: NotRequired[int | None]


class DeviceChanges(TypedDict, total=False):
    name: str
    site: int
    device_type: int
    role: int
    status: str
    primary_ip4: int | None
    primary_ip6: int | None


class InterfacePayload(TypedDict):
    device: int
    name: str
    type: str
    enabled: bool
    speed: int | None
    mode: NotRequired[str]
    description: NotRequired[str]
    tagged_vlans: NotRequired[list[int]]


class InterfaceChanges(TypedDict, total=False):
    name: str
    type: str
    enabled: bool
    speed: int | None
    mode: str
    description: str
    tagged_vlans: list[int]


class CableTermination(TypedDict):
    object_id: int
    object_type: Literal["dcim.interface"]


class CablePayload(TypedDict):
    type: str
    status: str
    description: str
    a_terminations: list[CableTermination]
    b_terminations: list[CableTermination]


class PrefixPayload(TypedDict):
    prefix: str
    description: str
    status: str
    is_pool: bool


class AvailablePrefixPayload(TypedDict):
    prefix_length: int
    description: str
    is_pool: bool


class AvailableIPPayload(TypedDict):
    description: str
    assigned_object_id: int
    assigned_object_type: Literal["dcim.interface"]
    status: str


class VLANGroupPayload(TypedDict):
    name: str
    slug: str
    vid_ranges: list[tuple[int, int]]


class VLANPayload(TypedDict):
    vid: int
    name: str
    group: int
    status: str


class L2VPNPayload(TypedDict):
    name: str
    slug: str
    type: str


class L2VPNTerminationPayload(TypedDict):
    l2vpn: int
    assigned_object_id: int
    assigned_object_type: Literal["ipam.vlan"]


class Inventory(Protocol):
    """IMS and IPAM of the network.

    Calls commit on their own and are refused in atomic steps. Reads return None or an empty list for what is not there;
    `update_*` and `allocate_*` raise InventoryNotFound. Creating raises InventoryConflict where names, vids or
    addresses are taken. `delete_*` says whether the object was there, so that deleting twice is harmless.
    """

    def sites(self, *, status: str | None = None) -> list[Site]: ...
    def create_site(self, payload: SitePayload, *, idempotency_key: str | None = None) -> Site: ...
    def device_roles(self) -> list[DeviceRole]: ...
    def create_device_role(self, payload: DeviceRolePayload, *, idempotency_key: str | None = None) -> DeviceRole: ...
    def manufacturers(self) -> list[Manufacturer]: ...
    def create_manufacturer(
        self, payload: ManufacturerPayload, *, idempotency_key: str | None = None
    ) -> Manufacturer: ...
    def device_types(self, *, manufacturer: str | None = None) -> list[DeviceType]: ...
    def create_device_type(self, payload: DeviceTypePayload, *, idempotency_key: str | None = None) -> DeviceType: ...

    def device(self, device_id: int) -> Device | None: ...
    def device_by_name(self, name: str) -> Device | None: ...
    def create_device(self, payload: DevicePayload, *, idempotency_key: str | None = None) -> Device: ...
    def update_device(self, device_id: int, changes: DeviceChanges) -> Device: ...
    def delete_device(self, device_id: int) -> bool: ...

    def interface(self, interface_id: int) -> Interface | None: ...
    def interfaces(self, *, device: int, speed: int | None = None, enabled: bool | None = None) -> list[Interface]:
        """Return interfaces of a device in natural order of their names (ethernet-1/2 before ethernet-1/10)."""
        ...

    def create_interface(self, payload: InterfacePayload, *, idempotency_key: str | None = None) -> Interface: ...
    def update_interface(self, interface_id: int, changes: InterfaceChanges) -> Interface: ...
    def enable_interface(self, interface_id: int, *, idempotency_key: str | None = None) -> Interface:
        """Take a free interface into use. Raises InventoryConflict if another has enabled it already."""
        ...

    def add_tagged_vlans(self, interface_id: int, vlan_ids: list[int]) -> Interface:
        """Let an interface carry VLANs beside those that it carries already.

        Services come and go on one interface at the same time: each adds its own and takes nothing away.
        Raises InventoryConflict if one of the same vid is carried already.
        """
        ...

    def delete_interface(self, interface_id: int) -> bool: ...

    def cable(self, cable_id: int) -> Cable | None: ...
    def create_cable(self, payload: CablePayload, *, idempotency_key: str | None = None) -> Cable: ...
    def delete_cable(self, cable_id: int) -> bool: ...

    def prefix(self, prefix_id: int) -> Prefix | None: ...
    def prefix_by_network(self, prefix: str) -> Prefix | None: ...
    def create_prefix(self, payload: PrefixPayload, *, idempotency_key: str | None = None) -> Prefix: ...
    def allocate_prefix(
        self, parent_id: int, payload: AvailablePrefixPayload, *, idempotency_key: str | None = None
    ) -> Prefix:
        """Take the first free prefix of the asked length out of a prefix. Raises InventoryConflict when it is full."""
        ...

    def delete_prefix(self, prefix_id: int) -> bool: ...

    def ip_address(self, address_id: int) -> IPAddress | None: ...
    def ip_addresses(self, *, interface: int) -> list[IPAddress]: ...
    def allocate_address(
        self,
        prefix_id: int,
        payload: AvailableIPPayload,
        *,
        skip_network: bool = False,
        idempotency_key: str | None = None,
    ) -> IPAddress:
        """Take the first free address of a prefix for an interface. Raises InventoryConflict when it is full.

        In a pool the network address counts as free; `skip_network` sets it aside with an address that is
        described as a placeholder.
        """
        ...

    def delete_ip_address(self, address_id: int) -> bool: ...

    def vlan_group(self, group_id: int) -> VLANGroup | None: ...
    def create_vlan_group(self, payload: VLANGroupPayload, *, idempotency_key: str | None = None) -> VLANGroup: ...
    def delete_vlan_group(self, group_id: int) -> bool: ...
    def vlans(self, *, groups: list[int]) -> list[VLAN]: ...
    def create_vlan(self, payload: VLANPayload, *, idempotency_key: str | None = None) -> VLAN: ...
    def delete_vlan(self, vlan_id: int) -> bool: ...

    def l2vpn(self, l2vpn_id: int) -> L2VPN | None: ...
    def l2vpn_by_name(self, name: str) -> L2VPN | None: ...
    def create_l2vpn(self, payload: L2VPNPayload, *, idempotency_key: str | None = None) -> L2VPN: ...
    def delete_l2vpn(self, l2vpn_id: int) -> bool: ...
    def l2vpn_terminations(self, *, l2vpn: int) -> list[L2VPNTermination]: ...
    def create_l2vpn_termination(
        self, payload: L2VPNTerminationPayload, *, idempotency_key: str | None = None
    ) -> L2VPNTermination: ...
