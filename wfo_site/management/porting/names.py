"""Which names that product packages import from orchestrator-core are found where, and what to do about the others.

docs/how-to/port-from-orchestrator-core.md shows the same table; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows import forms

# From version 5 the packages are in a namespace of their own.
_ROOTS = ("orchestrator.core", "orchestrator")
FORMS_PACKAGE = "pydantic_forms"


@dataclass(frozen=True)
class Moved:
    """Names that are in `new` now. `old`: modules below the old root ("" is the root), each with all modules below it.

    `renamed` maps old names to new ones, where they differ.
    """

    new: str
    old: tuple[str, ...]
    names: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Advice:
    """What a person does about names that moved nowhere. `names` empty: any name of the modules."""

    old: tuple[str, ...]
    names: tuple[str, ...]
    sentence: str


_FORM_MODULES = ("forms", f"{FORMS_PACKAGE}.core", f"{FORMS_PACKAGE}.validators", f"{FORMS_PACKAGE}.exceptions")
_TYPES = ("types", f"{FORMS_PACKAGE}.types")
_DECORATORS = (
    "create_workflow",
    "modify_workflow",
    "terminate_workflow",
    "validate_workflow",
    "reconcile_workflow",
    "task",
)

MOVED = (
    Moved(
        "subscriptions.domain",
        ("domain",),
        (
            "SubscriptionModel",
            "ProductBlockModel",
            "ProductModel",
            "DomainModel",
            "SUBSCRIPTION_MODEL_REGISTRY",
            "SI",
            "lookup_specialized_type",
            "cache_subscription_models",
            "serializable_property",
        ),
    ),
    Moved("subscriptions.domain", ("types",), ("SubscriptionLifecycle", "SI")),
    Moved("workflows", _TYPES, ("State", "UUIDstr")),
    Moved("workflows", ("targets",), ("Target",)),
    Moved("workflows", ("config.assignee",), ("Assignee",)),
    Moved(
        "workflows",
        ("", "workflow"),
        (
            "Step",
            "StepList",
            "begin",
            "init",
            "done",
            "abort",
            "step",
            "retrystep",
            "inputstep",
            "step_group",
            "callback_step",
            "conditional",
            "steplens",
            "focussteps",
            "workflow",
            "obsolete_step",
            "PredicateContext",
            "RunPredicatePass",
            "RunPredicateFail",
        ),
    ),
    Moved(
        "workflows",
        ("workflows.steps",),
        ("set_status", "unsync", "unsync_unchecked", "resync", "store_process_subscription", "obsolete_step"),
    ),
    Moved("workflows", ("workflows.utils",), (*_DECORATORS, "ensure_provisioning_status")),
    Moved("workflows", ("workflows.predicates",), ("no_uncompleted_instance", "awaiting_callbacks_exist")),
    Moved("workflows", ("utils.errors",), ("ProcessFailureError", "InconsistentDataError", "ApiException")),
    Moved("workflows.services", ("services.processes",), ("start_process", "resume_process", "abort_process")),
    Moved("subscriptions.selectors", ("services.subscriptions",), ("get_subscription",)),
    Moved(
        "workflows",
        ("services.subscriptions",),
        (
            "WF_USABLE_MAP",
            "WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS",
            "WF_BLOCKED_BY_PARENTS",
            "WF_USABLE_WHILE_OUT_OF_SYNC",
        ),
    ),
    Moved("workflows.forms", (*_FORM_MODULES, *_TYPES), tuple(forms.__all__)),
    Moved("enum", (*_TYPES, "forms.validators"), ("strEnum",), {"strEnum": "StrEnum"}),
)

ADVICE = (
    Advice(
        ("",),
        ("OrchestratorCore", "app_settings"),
        "The program is this one: make the package a Django app and name it in WFO_EXTENSIONS",
    ),
    Advice(
        ("workflows",),
        ("LazyWorkflowInstance",),
        "Delete it: modules of a package are found by themselves; name the products in the decorator, products=[…]",
    ),
    Advice(
        ("workflows.utils",),
        ("wrap_create_initial_input_form", "wrap_modify_initial_input_form"),
        "Give the plain form to create_workflow, modify_workflow and the like; the first page is put before it",
    ),
    Advice(
        ("workflows.steps",),
        ("refresh_subscription_search_index", "refresh_process_search_index"),
        "Take it out of the list of steps; nothing needs it",
    ),
    Advice(("workflow",), ("make_workflow",), "Use @workflow or a decorator for its target"),
    Advice(("forms", FORMS_PACKAGE), ("ReadOnlyField",), "Use read_only_field of workflows.forms"),
    Advice(("db", "db.models"), (), "Use Django's models: products.models, subscriptions.models, workflows.models"),
    Advice(("migrations",), (), "Delete it: the tables follow the code at each migrate"),
    Advice(("settings",), (), "Use django.conf.settings"),
    Advice(("services",), (), "Use the selectors and services of products, subscriptions and workflows"),
)
_NO_ADVICE = "There is no counterpart; see docs/how-to/port-from-orchestrator-core.md"


def is_old(module: str) -> bool:
    """Say whether a module belongs to orchestrator-core."""
    return any(module == root or module.startswith(f"{root}.") for root in _ROOTS)


def is_of_forms(module: str) -> bool:
    """Say whether a module belongs to the forms package, which is still there and of which some names moved."""
    return module == FORMS_PACKAGE or module.startswith(f"{FORMS_PACKAGE}.")


def destination(module: str, name: str) -> tuple[str, str] | None:
    """Return the module and name under which `name` of an old module is found now; None where it moved nowhere."""
    wanted = _below_root(module)
    for moved in MOVED:
        if name in moved.names and _is_in(wanted, moved.old):
            return moved.new, moved.renamed.get(name, name)
    return None


def advice(module: str, name: str) -> str:
    """Return a sentence on what to do about a name of an old module that moved nowhere."""
    wanted = _below_root(module)
    for each in ADVICE:
        if _is_in(wanted, each.old) and (name in each.names or not each.names):
            return each.sentence
    return _NO_ADVICE


def _below_root(module: str) -> str:
    for root in _ROOTS:
        if module == root:
            return ""
        if module.startswith(f"{root}."):
            return module.removeprefix(f"{root}.")
    return module


def _is_in(module: str, old: tuple[str, ...]) -> bool:
    return any(module == each or (each and module.startswith(f"{each}.")) for each in old)
