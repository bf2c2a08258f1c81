"""Rules of hassfest and HACS, which need GitHub to run."""

from collections.abc import Iterator
import re
import struct
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import TargetSelector, validate_selector
from tests.metadata.repository import DOMAIN, INTEGRATION, TRANSLATIONS, Repository

from .registry import violation

BRAND: Final = f"{INTEGRATION}/brand"
ENGLISH: Final = f"{TRANSLATIONS}/en.json"
ICONS_FILE: Final = f"{INTEGRATION}/icons.json"
INIT: Final = f"{INTEGRATION}/__init__.py"
MANIFEST: Final = f"{INTEGRATION}/manifest.json"
TRIGGERS: Final = f"{INTEGRATION}/triggers.yaml"

# May be imported without being a dependency.
FREE: Final = {*Platform, "frontend", "persistent_notification", "webhook"}
IMPORT: Final = re.compile(
    r"from homeassistant\.components(?:\.(\w+)\S*)? import (\w+)"
)
# Width and height, in pixels.
IMAGES: Final = {"icon": (256, 256), "logo": (794, 256), "dark_logo": (794, 256)}

# The schemas have what there is: what is added to a file is added here, too.
HTTPS: Final = vol.Match(r"https://(?!([\w-]+\.)*home-assistant\.io)")
# No requirements: Home Assistant ships what the integration needs.
MANIFEST_SCHEMA: Final = vol.Schema(
    {
        vol.Required("domain"): DOMAIN,
        vol.Required("name"): str,
        vol.Optional("after_dependencies"): [str],
        vol.Required("codeowners"): vol.All([vol.Match("@")], vol.Length(min=1)),
        vol.Required("config_flow"): True,
        vol.Required("documentation"): HTTPS,
        vol.Required("integration_type"): "hub",
        vol.Required("iot_class"): "cloud_push",
        vol.Required("issue_tracker"): HTTPS,
        vol.Required("version"): vol.Match(r"\d+\.\d+\.\d+$"),
    }
)
HACS_SCHEMA: Final = vol.Schema(
    {vol.Required("name"): str, vol.Required("homeassistant"): vol.Match(r"\d{4}\.")}
)

KEY: Final = vol.Match(r"[a-z0-9]+([_-][a-z0-9]+)*$")
# Not empty, without white space around it, references, addresses or odd braces.
TEXT: Final = vol.All(
    cv.string_with_no_html,
    vol.Match(r"(?s)(?!\s)(?!.*(\[%|%\]|\w://|\bwww\.))([^{}]|\{[a-z_]+\})+(?<!\s)$"),
)
TEXTS: Final = {KEY: TEXT}
UNFILLED: Final = vol.All(TEXT, vol.Match(r"[^{]*$"))
STATES: Final = {vol.Required("name"): UNFILLED, vol.Optional("state"): {KEY: UNFILLED}}
FORM: Final = {
    **{vol.Optional(key): TEXT for key in ("title", "name", "description", "submit")},
    **{vol.Optional(key): TEXTS for key in ("data", "data_description")},
}
FLOW: Final = {
    vol.Required("step"): {KEY: {**FORM, vol.Optional("sections"): {KEY: FORM}}},
    **{vol.Optional(key): TEXTS for key in ("error", "abort")},
}
NAMED: Final = {vol.Required("name"): TEXT, vol.Required("description"): TEXT}
ACTIONS: Final = {KEY: {**NAMED, vol.Required("fields"): {KEY: NAMED}}}
TRANSLATION_SCHEMA: Final = vol.Schema(
    {
        vol.Required("config"): FLOW,
        vol.Required("config_panel"): {KEY: TEXTS},
        vol.Required("options"): FLOW,
        vol.Required("entity"): {
            vol.In([*Platform]): {
                KEY: {
                    **STATES,
                    vol.Optional("state_attributes"): {KEY: STATES},
                    vol.Optional("unit_of_measurement"): UNFILLED,
                }
            }
        },
        vol.Required("exceptions"): {KEY: {vol.Required("message"): TEXT}},
        vol.Required("issues"): {
            KEY: {vol.Required("title"): TEXT, vol.Required("fix_flow"): FLOW}
        },
        **{vol.Required(key): ACTIONS for key in ("services", "triggers")},
        vol.Required("selector"): {KEY: {vol.Required("options"): TEXTS}},
        vol.Required("system_health"): {vol.Required("info"): TEXTS},
    }
)

ICON: Final = vol.Match("mdi:")
ICONS: Final = {vol.Required("default"): ICON, vol.Optional("state"): {KEY: ICON}}
ICONS_SCHEMA: Final = vol.Schema(
    {
        vol.Required("entity"): {
            vol.In([*Platform]): {
                KEY: {**ICONS, vol.Optional("state_attributes"): {KEY: ICONS}}
            }
        },
        vol.Required("services"): {KEY: {vol.Required("service"): ICON}},
        vol.Required("triggers"): {KEY: {vol.Required("trigger"): ICON}},
    }
)
FIELD: Final = {
    vol.Required("selector"): validate_selector,
    vol.Optional("required"): bool,
    **{vol.Optional(key): vol.NotIn([None]) for key in ("default", "example")},
}
ACTIONS_SCHEMA: Final = vol.Schema(
    {
        KEY: {
            vol.Optional("target"): TargetSelector.CONFIG_SCHEMA,
            vol.Required("fields"): {KEY: FIELD},
        }
    }
)


@violation("version", MANIFEST, '"version": "', '"version": "v')
@violation("the order", MANIFEST, '"iot_class": "cloud_push",', '"a": 1,')
def manifest_is_valid(repository: Repository) -> Iterator[str]:
    """Have the required keys, in order, and need no package."""
    manifest = repository.json(MANIFEST)
    yield from _complaints(MANIFEST_SCHEMA, manifest)
    wanted = sorted(manifest, key=lambda key: (key != "domain", key != "name", key))
    if list(manifest) != wanted:
        yield f"the order should be {', '.join(wanted)}"


@violation("mqtt is imported", INIT, new="from homeassistant.components import mqtt\n")
def imported_components_are_dependencies(repository: Repository) -> Iterator[str]:
    """Have what is imported set up first."""
    known = {module.removesuffix(".py") for module in repository.modules} | FREE
    known.update(repository.json(MANIFEST)["after_dependencies"])
    for path in repository.paths(f"{INTEGRATION}/*.py"):
        for package, name in IMPORT.findall(repository.text(path)):
            if (package or name) not in known:
                yield f"{package or name} is imported, and no dependency"


@violation("CONFIG_SCHEMA", INIT, "cv.config_entry_only_config_schema(DOMAIN)", "None")
def setup_takes_no_yaml(repository: Repository) -> Iterator[str]:
    """Tell who writes YAML that none is read."""
    schema = "CONFIG_SCHEMA: Final = cv.config_entry_only_config_schema(DOMAIN)\n"
    if schema not in repository.text(INIT):
        yield f"there should be {schema}"


@violation("config.title", ENGLISH, '"config": {', '"config": {"title": "Golioth",')
@violation("config.error.x", ENGLISH, '"error": {', '"error": {"x": "www.golioth.io",')
def translations_are_valid(repository: Repository) -> Iterator[str]:
    """Have only sections and texts that Home Assistant can show."""
    for path in repository.paths(f"{TRANSLATIONS}/*"):
        for complaint in _complaints(TRANSLATION_SCHEMA, repository.json(path)):
            yield f"{path}: {complaint}"


@violation("services.get_logs", ICONS_FILE, '"service": "mdi:text', '"icon": "mdi:text')
def icons_are_valid(repository: Repository) -> Iterator[str]:
    """Have the sections that Home Assistant reads."""
    yield from _complaints(ICONS_SCHEMA, repository.json(ICONS_FILE))


@violation("device_went_silent.fields.for", TRIGGERS, "duration:", "colour_wheel:")
@violation("triggers should have texts of", TRIGGERS, "for:", "within:")
@violation("selector.level should have", TRIGGERS, "- warn", "- warning")
def actions_and_triggers_are_valid(repository: Repository) -> Iterator[str]:
    """Describe and translate each, with its fields and options."""
    english = repository.english
    for kind in ("services", "triggers"):
        described = repository.yaml(f"{INTEGRATION}/{kind}.yaml")
        yield from _complaints(ACTIONS_SCHEMA, described)
        fields = {key: {*each["fields"]} for key, each in described.items()}
        if fields != {key: {*each["fields"]} for key, each in english[kind].items()}:
            yield f"{kind} should have texts of {fields}"
        for each in described.values():
            for field in each["fields"].values():
                select = field["selector"].get("select", {})
                key, options = select.get("translation_key"), select.get("options", ())
                if key and english["selector"][key]["options"].keys() != {*options}:
                    yield f"selector.{key} should have {options}"


@violation("homeassistant", "hacs.json", '"2026.10.0"', "2026")
def hacs_is_valid(repository: Repository) -> Iterator[str]:
    """Name the integration, and the oldest release that works."""
    yield from _complaints(HACS_SCHEMA, repository.json("hacs.json"))


@violation("icon@2x.png should be 512x512", f"{BRAND}/icon@2x.png")
def brand_has_its_images(repository: Repository) -> Iterator[str]:
    """Have an icon and logos for every screen."""
    for name, (width, height) in IMAGES.items():
        for scale, suffix in ((1, ""), (2, "@2x")):
            path = f"{BRAND}/{name}{suffix}.png"
            size = struct.pack(">II", width * scale, height * scale)
            header = repository.files.get(path, b"")[:24]
            if header[:4] != b"\x89PNG" or header[16:] != size:
                yield f"{path} should be {width * scale}x{height * scale}"


@violation("tests/x/manifest.json would be", "tests/x/manifest.json", new="{}")
@violation("README.md is missing", "README.md")
@violation("LICENSE is not", "LICENSE", "Apache License", "MIT License")
def repository_is_one_integration(repository: Repository) -> Iterator[str]:
    """Have one manifest, a README, and a known licence."""
    for path in repository.paths("*manifest.json"):
        if path != MANIFEST:
            yield f"{path} would be taken for another integration"
    if not repository.text("README.md").startswith("# "):
        yield "README.md is missing, or has no title"
    if repository.text("LICENSE").split()[:2] != ["Apache", "License"]:
        yield "LICENSE is not the Apache License"


def _complaints(schema: vol.Schema, content: dict[str, Any]) -> Iterator[str]:
    """Yield what a schema says of a content."""
    try:
        schema(content)
    except vol.MultipleInvalid as invalid:
        for error in invalid.errors:
            yield f"{'.'.join(map(str, error.path))}: {error.msg}"
