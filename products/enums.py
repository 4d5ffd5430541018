"""States and kinds of the catalogue; the stored strings are part of the API."""

from django.db.models import TextChoices


class ProductLifecycle(TextChoices):
    ACTIVE = "active", "Active"
    PRE_PRODUCTION = "pre production", "Pre production"
    PHASE_OUT = "phase out", "Phase out"
    END_OF_LIFE = "end of life", "End of life"


class Target(TextChoices):
    """What a workflow does to a subscription."""

    CREATE = "CREATE", "Create"
    MODIFY = "MODIFY", "Modify"
    TERMINATE = "TERMINATE", "Terminate"
    SYSTEM = "SYSTEM", "System"
    VALIDATE = "VALIDATE", "Validate"
    RECONCILE = "RECONCILE", "Reconcile"
