"""The rules: each public function of a module here."""

from typing import Final

from . import (
    code,
    documents,
    github,
    quality_scale,
    scripts,
    texts,
    translations,
    validators,
    vocabulary,
)
from .registry import VIOLATIONS, Rule, Violation

__all__ = ["MODULES", "VIOLATIONS", "Rule", "Violation"]

MODULES: Final = (
    code,
    documents,
    github,
    quality_scale,
    scripts,
    texts,
    translations,
    validators,
    vocabulary,
)
