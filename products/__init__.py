"""The catalogue's public surface, importable before `django.setup()`."""

from products.enums import ProductLifecycle, Target
from products.registry import ProductSpec, register

__all__ = ["ProductLifecycle", "ProductSpec", "Target", "register"]
