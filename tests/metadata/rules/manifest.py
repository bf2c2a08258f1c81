"""Rules for manifest.json, as hassfest and HACS have them."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy

from tests.metadata.repository import DOMAIN, Repository

REQUIRED = {
    "codeowners",
    "documentation",
    "domain",
    "iot_class",
    # HACS asks for this one.
    "issue_tracker",
    "name",
    "version",
}
ALLOWED = REQUIRED | {
    "after_dependencies",
    "config_flow",
    "dependencies",
    "import_executor",
    "integration_type",
    "loggers",
    "quality_scale",
    "requirements",
    "single_config_entry",
    # Ways to be discovered.
    "bluetooth",
    "dhcp",
    "homekit",
    "mqtt",
    "ssdp",
    "usb",
    "zeroconf",
}
INTEGRATION_TYPES = {
    "device",
    "entity",
    "hardware",
    "helper",
    "hub",
    "service",
    "system",
}
IOT_CLASSES = {
    "assumed_state",
    "calculated",
    "cloud_polling",
    "cloud_push",
    "local_polling",
    "local_push",
}
VERSION_STRATEGIES = (
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.PEP440,
    AwesomeVersionStrategy.SEMVER,
)


def manifest_keys_are_in_order(repository: Repository) -> Iterator[str]:
    """`domain` and `name` come first, then the alphabet."""
    keys = list(repository.manifest)
    wanted = sorted(keys, key=lambda key: (key != "domain", key != "name", key))
    if keys != wanted:
        yield f"the order should be {', '.join(wanted)}"


def manifest_has_every_required_key(repository: Repository) -> Iterator[str]:
    """What Home Assistant and HACS need is there."""
    for key in sorted(REQUIRED):
        if not repository.manifest.get(key):
            yield f"{key} is missing"


def manifest_has_only_allowed_keys(repository: Repository) -> Iterator[str]:
    """Any other key is an error; `homeassistant` belongs in hacs.json."""
    for key in sorted(repository.manifest.keys() - ALLOWED):
        yield f"{key} is not allowed"


def manifest_needs_no_package(repository: Repository) -> Iterator[str]:
    """The integration needs nothing that Home Assistant does not ship."""
    for package in repository.manifest.get("requirements", []):
        yield f"{package} is required"


def manifest_names_the_folder(repository: Repository) -> Iterator[str]:
    """The domain is the name of the folder that Home Assistant looks for."""
    if repository.manifest.get("domain") != DOMAIN:
        yield f"domain should be {DOMAIN}"


def manifest_has_code_owners(repository: Repository) -> Iterator[str]:
    """Each code owner is a GitHub name with its @."""
    for owner in repository.manifest.get("codeowners", []):
        if not owner.startswith("@"):
            yield f"{owner} should start with @"


def manifest_links_over_https(repository: Repository) -> Iterator[str]:
    """The documentation and the issue tracker are ours, and reached over TLS."""
    for key in ("documentation", "issue_tracker"):
        address = urlsplit(repository.manifest.get(key, ""))
        if address.scheme != "https" or not address.hostname:
            yield f"{key} is not an https address"
        elif address.hostname.endswith("home-assistant.io"):
            yield f"{key} is home-assistant.io, which documents core only"


def manifest_classifies_the_integration(repository: Repository) -> Iterator[str]:
    """The classes are among those that Home Assistant knows."""
    if (kind := repository.manifest.get("iot_class")) not in IOT_CLASSES:
        yield f"iot_class {kind} is unknown"
    if (
        kind := repository.manifest.get("integration_type", "hub")
    ) not in INTEGRATION_TYPES:
        yield f"integration_type {kind} is unknown"


def manifest_version_can_be_compared(repository: Repository) -> Iterator[str]:
    """The version is CalVer, SemVer or PEP 440, so that an update can be told from a downgrade."""
    version = AwesomeVersion(repository.manifest.get("version", ""))
    if version.strategy not in VERSION_STRATEGIES:
        yield f"version {version} is not CalVer, SemVer or PEP 440"
