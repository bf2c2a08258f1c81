"""Import the client alone, without integration and Home Assistant."""

from pathlib import Path
import sys
from types import ModuleType

_NAME = "custom_components.golioth"


def import_client_alone() -> None:
    """Keep the client's package from importing the integration.

    Does nothing if the integration is imported already.
    """
    if _NAME not in sys.modules:
        package = ModuleType(_NAME)
        root = Path(__file__).resolve().parents[2]
        package.__path__ = [str(root / "custom_components" / "golioth")]
        sys.modules[_NAME] = package
