"""Fill an empty inventory with what the first node needs."""

from __future__ import annotations

from wfo_site.examples.network.inventory import bootstrap, get_inventory
from workflows import State, StepList, begin, step, task


@step("Create initial set of objects")
def create_initial_objects() -> State:
    return {"created_objects": bootstrap.create_initial_objects(get_inventory())}


@step("Create prefixes")
def create_prefixes() -> State:
    return {"created_prefixes": bootstrap.create_prefixes(get_inventory())}


@task("Netbox Bootstrap")
def task_bootstrap_netbox() -> StepList:
    return begin >> create_initial_objects >> create_prefixes
