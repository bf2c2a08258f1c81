"""The rules: each function takes a repository and yields one complaint per breach.

Every public function that a module here defines is a rule, named by what it demands.
"""

from collections.abc import Callable, Iterator
from types import FunctionType

from tests.metadata.repository import Repository

from . import (
    actions,
    code,
    distribution,
    documentation,
    icons,
    manifest,
    quality_scale,
    scripts,
    translations,
    usage,
    vocabulary,
)

type Rule = Callable[[Repository], Iterator[str]]

RULES: list[Rule] = [
    value
    for module in (
        manifest,
        code,
        translations,
        vocabulary,
        usage,
        icons,
        actions,
        distribution,
        quality_scale,
        documentation,
        scripts,
    )
    for name, value in vars(module).items()
    if isinstance(value, FunctionType)
    if value.__module__ == module.__name__ and not name.startswith("_")
]
