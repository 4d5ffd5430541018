"""The story as a program lives it: through REST only, page by page, unattended."""

from __future__ import annotations

import time
from typing import Any

import httpx

Page = dict[str, Any]
ENDS = {"completed", "failed", "suspended", "waiting", "awaiting_callback", "aborted"}


class RestStory:
    """Builds the example network with a client of the API. Every choice is taken from the forms the API shows."""

    def __init__(self, client: httpx.Client, *, patience: float = 60) -> None:
        self.client = client
        self.patience = patience

    # The protocol

    def next_form(self, workflow: str, pages: list[Page]) -> dict[str, Any]:
        """Return the JSON schema of the page that follows `pages`."""
        answer = self.client.post(f"/api/processes/{workflow}", json=pages)
        assert answer.status_code == 510, answer.text
        form: dict[str, Any] = answer.json()["form"]
        return form

    def options(self, form: dict[str, Any], field: str) -> dict[str, str]:
        """Return what a choice offers: value to label."""
        described = form["properties"][field]
        while "$ref" in described or "allOf" in described:
            reference = described.get("$ref") or described["allOf"][0]["$ref"]
            described = form["$defs"][reference.rsplit("/", 1)[1]]
        values = described.get("enum", [])
        return {value: described.get("options", {}).get(value, value) for value in values}

    def pick(self, form: dict[str, Any], field: str, label: str = "") -> str:
        """Return the first option whose label contains `label`."""
        options = self.options(form, field)
        return next(value for value, text in options.items() if label in text)

    def start(self, workflow: str, pages: list[Page], *, key: str | None = None) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.client.post(f"/api/processes/{workflow}", json=pages, headers=headers)
        assert answer.status_code == 201, answer.text
        process_id: str = answer.json()["id"]
        return process_id

    def process(self, process_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/processes/{process_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def wait_for(self, process_id: str, status: str = "completed") -> dict[str, Any]:
        """Poll until the process has ended or waits; it must be `status` then."""
        until = time.monotonic() + self.patience
        while (found := self.process(process_id))["last_status"] not in ENDS:
            assert time.monotonic() < until, f"{process_id} is still {found['last_status']}: {found.get('why')}"
            time.sleep(0.05)
        assert found["last_status"] == status, (found["failed_reason"], found["last_step"])
        return found

    def run(self, workflow: str, pages: list[Page]) -> dict[str, Any]:
        return self.wait_for(self.start(workflow, pages))

    def product(self, name: str, workflow: str) -> Page:
        return {"product": self.pick(self.next_form(workflow, []), "product", name)}

    def subscription_of(self, process: dict[str, Any]) -> str:
        subscription_id: str = process["subscriptions"][0]["subscription_id"]
        return subscription_id

    # The story

    def bootstrap(self) -> None:
        self.run("task_bootstrap_netbox", [{}])

    def create_node(self, name: str, product: str = "node Nokia") -> str:
        """Create a node with all its interfaces and return its subscription."""
        first = self.product(product, "create_node")
        form = self.next_form("create_node", [first])
        page = {
            "customer_id": self.pick(form, "customer_id"),
            "type_id": self.pick(form, "type_id"),
            "role_id": self.pick(form, "role_id"),
            "site_id": self.pick(form, "site_id"),
            "node_status": self.pick(form, "node_status", "active"),
            "node_name": name,
            "node_description": f"{name} of the story",
        }
        return self.subscription_of(self.run("create_node", [first, page, {}]))

    def create_port(self, node: str, product: str = "port 10G", *, mode: str = "tagged") -> str:
        first = self.product(product, "create_port")
        form = self.next_form("create_port", [first])
        second = {"customer_id": self.pick(form, "customer_id"), "node_subscription_id": node}
        form = self.next_form("create_port", [first, second])
        third = {
            "port_ims_id": self.pick(form, "port_ims_id"),
            "port_description": "customer port",
            "port_mode": self.pick(form, "port_mode", mode),
        }
        return self.subscription_of(self.run("create_port", [first, second, third, {}]))

    def create_core_link(self, node_a: str, node_b: str, product: str = "core link 10G") -> str:
        first = self.product(product, "create_core_link")
        form = self.next_form("create_core_link", [first])
        second = {
            "customer_id": self.pick(form, "customer_id"),
            "node_subscription_id_a": node_a,
            "node_subscription_id_b": node_b,
        }
        form = self.next_form("create_core_link", [first, second])
        third = {
            "port_ims_id_a": self.pick(form, "port_ims_id_a"),
            "port_ims_id_b": self.pick(form, "port_ims_id_b"),
        }
        return self.subscription_of(self.run("create_core_link", [first, second, third]))

    def l2vpn_pages(self, ports: list[str], vlan: str, speed: int = 1000) -> list[Page]:
        first = self.product("l2vpn", "create_l2vpn")
        form = self.next_form("create_l2vpn", [first])
        second = {"customer_id": self.pick(form, "customer_id"), "number_of_ports": len(ports), "speed": speed}
        return [first, second, {"ports": ports, "vlan": vlan}]

    def create_l2vpn(self, ports: list[str], vlan: str) -> str:
        return self.subscription_of(self.run("create_l2vpn", self.l2vpn_pages(ports, vlan)))
