"""The text by which people know a subscription, one rule for each product."""

from __future__ import annotations

from functools import singledispatch

from subscriptions.domain import ProductBlockModel, SubscriptionModel
from wfo_site.examples.network.wfo_products.core_link import CoreLinkProvisioning, CorePortBlockProvisioning
from wfo_site.examples.network.wfo_products.l2vpn import L2vpnProvisioning, VirtualCircuitBlockProvisioning
from wfo_site.examples.network.wfo_products.node import NodeProvisioning
from wfo_site.examples.network.wfo_products.nsip2p import Nsip2pProvisioning
from wfo_site.examples.network.wfo_products.nsistp import NsistpProvisioning
from wfo_site.examples.network.wfo_products.port import PortProvisioning


@singledispatch
def description(model: SubscriptionModel | ProductBlockModel) -> str:
    """Return the description of a subscription or block, from status provisioning on.

    Raises TypeError for a type that has no rule, naming those that have.
    """
    supported = ", ".join(sorted(each.__name__ for each in description.registry if each is not object))
    raise TypeError(f"No description for {type(model).__name__}; there are rules for {supported}")


@description.register
def _(node: NodeProvisioning) -> str:
    return f"node {node.node.node_name} ({node.node.node_status})"


@description.register
def _(port: PortProvisioning) -> str:
    block = port.port
    return f"{port.product.name} {block.node.node_name} {block.port_name} {block.port_description or ''}".rstrip()


@description.register
def _(port: CorePortBlockProvisioning) -> str:
    return f"{port.name} {port.node.node_name} {port.port_name}"


@description.register
def _(link: CoreLinkProvisioning) -> str:
    a, b = link.core_link.ports
    maintenance = " (maintenance)" if link.core_link.under_maintenance else ""
    return f"{link.product.name} {a.node.node_name} {a.port_name} <-> {b.port_name} {b.node.node_name}{maintenance}"


@description.register
def _(l2vpn: L2vpnProvisioning) -> str:
    circuit = l2vpn.virtual_circuit
    return f"{l2vpn.product.tag} {circuit.speed} Mbit/s ({_nodes(circuit)}){_policer(circuit)}"


@description.register
def _(nsistp: NsistpProvisioning) -> str:
    block = nsistp.nsistp
    return (
        f"{nsistp.product.tag} {block.stp_id} topology {block.topology} {block.sap.port.node.node_name} "
        f"{block.bandwidth} Mbit/s"
    )


@description.register
def _(nsip2p: Nsip2pProvisioning) -> str:
    circuit = nsip2p.virtual_circuit
    return f"{nsip2p.product.tag} {circuit.speed} Mbit/s({_nodes(circuit)}){_policer(circuit)}"


def _nodes(circuit: VirtualCircuitBlockProvisioning) -> str:
    return "-".join(sorted({sap.port.node.node_name for sap in circuit.saps}))


def _policer(circuit: VirtualCircuitBlockProvisioning) -> str:
    return " (policer active)" if circuit.speed_policer else ""
