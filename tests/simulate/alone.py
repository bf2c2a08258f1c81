"""Makes the client importable without the integration around it, and so without Home Assistant."""

from pathlib import Path
import sys
from types import ModuleType

_NAME = "custom_components.golioth"


def import_client_alone() -> None:
    """Keep the integration's own modules from being imported, unless they are already."""
    if _NAME not in sys.modules:
        package = ModuleType(_NAME)
        root = Path(__file__).resolve().parents[2]
        package.__path__ = [str(root / "custom_components" / "golioth")]
        sys.modules[_NAME] = package
