"""The public surface for authors of workflows, importable before `django.setup()`."""

from products.enums import Target
from workflows.builtin.authorization import (
    register_internal_authorize_callback,
    register_internal_retry_auth_callback,
)
from workflows.engine.authorization import AuthAction, AuthContext, AuthUser
from workflows.engine.blocks import create_blocks, modify_blocks, register_block_steps, terminate_blocks
from workflows.engine.classifying import register_failure_classifier
from workflows.engine.combinators import conditional, focussteps, steplens
from workflows.engine.core_steps import (
    ensure_provisioning_status,
    obsolete_step,
    resync,
    set_status,
    store_process_subscription,
    unsync,
    unsync_unchecked,
)
from workflows.engine.decorators import (
    create_workflow,
    modify_workflow,
    reconcile_workflow,
    task,
    terminate_workflow,
    validate_workflow,
    workflow,
)
from workflows.engine.errors import ApiException, InconsistentDataError, ProcessFailureError
from workflows.engine.fork_steps import SubWorkflow, branch, foreach, parallel, parallel_sub_workflows, sub_workflow
from workflows.engine.forks import BranchesDisagree
from workflows.engine.registry import PredicateContext, RunPredicateFail, RunPredicatePass
from workflows.engine.retries import RetryPolicy
from workflows.engine.step_context import StepContext, Undone, step_context
from workflows.engine.step_decorators import inputstep, retrystep, step
from workflows.engine.step_groups import callback_step, step_group
from workflows.engine.step_log import step_log, step_progress
from workflows.engine.step_options import Effect
from workflows.engine.steps import (
    State,
    Step,
    StepList,
    abort,
    begin,
    done,
    init,
    nothing_to_undo,
)
from workflows.engine.usable import (
    WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS,
    WF_BLOCKED_BY_PARENTS,
    WF_USABLE_MAP,
    WF_USABLE_WHILE_OUT_OF_SYNC,
)
from workflows.enums import Assignee
from workflows.predicates import awaiting_callbacks_exist, no_uncompleted_instance

# How packages written for orchestrator-core annotate the text of a UUID.
UUIDstr = str

__all__ = [
    "WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS",
    "WF_BLOCKED_BY_PARENTS",
    "WF_USABLE_MAP",
    "WF_USABLE_WHILE_OUT_OF_SYNC",
    "ApiException",
    "Assignee",
    "AuthAction",
    "AuthContext",
    "AuthUser",
    "BranchesDisagree",
    "Effect",
    "InconsistentDataError",
    "PredicateContext",
    "ProcessFailureError",
    "RetryPolicy",
    "RunPredicateFail",
    "RunPredicatePass",
    "State",
    "Step",
    "StepContext",
    "StepList",
    "SubWorkflow",
    "Target",
    "UUIDstr",
    "Undone",
    "abort",
    "awaiting_callbacks_exist",
    "begin",
    "branch",
    "callback_step",
    "conditional",
    "create_blocks",
    "create_workflow",
    "done",
    "ensure_provisioning_status",
    "focussteps",
    "foreach",
    "init",
    "inputstep",
    "modify_blocks",
    "modify_workflow",
    "no_uncompleted_instance",
    "nothing_to_undo",
    "obsolete_step",
    "parallel",
    "parallel_sub_workflows",
    "reconcile_workflow",
    "register_block_steps",
    "register_failure_classifier",
    "register_internal_authorize_callback",
    "register_internal_retry_auth_callback",
    "resync",
    "retrystep",
    "set_status",
    "step",
    "step_context",
    "step_group",
    "step_log",
    "step_progress",
    "steplens",
    "store_process_subscription",
    "sub_workflow",
    "task",
    "terminate_blocks",
    "terminate_workflow",
    "unsync",
    "unsync_unchecked",
    "validate_workflow",
    "workflow",
]
