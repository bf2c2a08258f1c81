"""Rules for what HACS and GitHub see of the repository."""

from collections.abc import Iterator
import re
import struct
import tomllib
from typing import Any, NamedTuple

from awesomeversion import AwesomeVersion

from homeassistant.exceptions import HomeAssistantError
from tests.metadata.address import PLACEHOLDER, addresses, documents, home, licence_line
from tests.metadata.repository import DOMAIN, Repository

HACS_TYPES: dict[str, type | tuple[type, ...]] = {
    "content_in_root": bool,
    "country": (str, list),
    "filename": str,
    "hide_default_branch": bool,
    "homeassistant": str,
    "name": str,
    "persistent_directory": str,
    "render_readme": bool,
    "zip_release": bool,
}
# The first release that takes the images of a custom integration from its brand folder.
FIRST_VERSION_WITH_BRAND = "2026.3.0"

ICON_SIZE = 256
LOGO_SIDE = (128, 256)
IMAGES = {
    f"{theme}{kind}{scale}.png"
    for theme in ("", "dark_")
    for kind in ("icon", "logo")
    for scale in ("", "@2x")
}
IMAGE_LIMIT = 50_000

PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}")
# Of a file with requirements, the packages.
PINS = re.compile(r"^([\w-]+)==", re.MULTILINE)
# Whose repositories a document may link to as well.
OTHER_OWNERS = {"example", "golioth", "hacs", "home-assistant"}


class Image(NamedTuple):
    """What the header of a PNG says."""

    width: int
    height: int
    transparent: bool


def repository_has_one_integration(repository: Repository) -> Iterator[str]:
    """HACS installs one folder."""
    for path in (repository.root / "custom_components").iterdir():
        if path.is_dir() and path.name not in (DOMAIN, "__pycache__"):
            yield f"{path.name} is a second folder in custom_components"


def repository_has_one_manifest(repository: Repository) -> Iterator[str]:
    """Every file named manifest.json is taken for an integration: fixtures are named otherwise."""
    for path in repository.files:
        if path.name == "manifest.json" and path.parent != repository.integration:
            yield f"{repository.name(path)} would be taken for an integration"


def hacs_has_only_allowed_keys(repository: Repository) -> Iterator[str]:
    """hacs.json has a name, and HACS knows all that it holds."""
    hacs = _hacs(repository)
    if not hacs.get("name"):
        yield "name is missing"
    for key, value in hacs.items():
        if key not in HACS_TYPES:
            yield f"{key} is not allowed"
        elif not isinstance(value, HACS_TYPES[key]):
            yield f"{key} has the wrong type"


def hacs_installs_where_it_works(repository: Repository) -> Iterator[str]:
    """The oldest release that may install it shows our images, and is the oldest one that it is tested with."""
    oldest = _hacs(repository).get("homeassistant", "0")
    if AwesomeVersion(oldest) < AwesomeVersion(FIRST_VERSION_WITH_BRAND):
        yield f"homeassistant should be at least {FIRST_VERSION_WITH_BRAND}"
    pins = (repository.root / "requirements_oldest.txt").read_text("utf-8").split("\n")
    if f"homeassistant=={oldest}" not in pins:
        yield f"homeassistant is {oldest}, which requirements_oldest.txt does not pin"


def brand_has_its_images(repository: Repository) -> Iterator[str]:
    """There is an icon for every screen, and no image that Home Assistant would not ask for."""
    present = {path.name for path in (repository.integration / "brand").glob("*")}
    for name in sorted({"icon.png", "icon@2x.png"} - present):
        yield f"{name} is missing"
    for name in sorted(present - IMAGES):
        yield f"{name} is never shown"


def brand_images_have_the_right_size(repository: Repository) -> Iterator[str]:
    """An icon is 256 pixels square, a logo's shorter side 128 to 256, and @2x is exactly twice that."""
    for name, image in _images(repository):
        plain = name.replace("@2x", "")
        scale = 1 if name == plain else 2
        width, height = image.width / scale, image.height / scale
        if "icon" in name and (width, height) != (ICON_SIZE, ICON_SIZE):
            yield f"{name} should be {ICON_SIZE * scale} pixels square"
        if "logo" in name and not LOGO_SIDE[0] <= min(width, height) <= LOGO_SIDE[1]:
            yield f"{name}: the shorter side should be 128 to 256 pixels, times {scale}"
        if (width, height) != (single := dict(_images(repository))[plain])[:2]:
            yield f"{name} should be {scale} times {single.width}×{single.height}"


def brand_images_suit_any_background(repository: Repository) -> Iterator[str]:
    """Images are transparent where nothing is drawn, and quick to load."""
    for name, image in _images(repository):
        if not image.transparent:
            yield f"{name} has no transparency"
        if (
            size := (repository.integration / "brand" / name).stat().st_size
        ) > IMAGE_LIMIT:
            yield f"{name} takes {size} bytes"


def licence_is_apache_2(repository: Repository) -> Iterator[str]:
    """The licence is the whole Apache License 2.0, so that GitHub and HACS recognise it."""
    path = repository.root / "LICENSE"
    text = " ".join(path.read_text("utf-8").split()) if path.is_file() else ""
    if not text.startswith("Apache License Version 2.0, January 2004"):
        yield "LICENSE is not the Apache License 2.0"
    for number in range(1, 10):
        if f" {number}. " not in text:
            yield f"LICENSE has no section {number}"
    if "END OF TERMS AND CONDITIONS" not in text:
        yield "LICENSE has no end"


def readme_exists(repository: Repository) -> Iterator[str]:
    """HACS shows the README as the page of the integration."""
    path = repository.root / "README.md"
    if not path.is_file() or not path.read_text("utf-8").startswith("# "):
        yield "README.md is missing, or does not open with a title"


def workflows_are_valid(repository: Repository) -> Iterator[str]:
    """Every workflow says when it runs and what it does."""
    for name, workflow in _workflows(repository):
        # YAML 1.1 reads the key `on` as true.
        if not {"on", True} & workflow.keys():
            yield f"{name} says not when it runs, or is not valid YAML"
        for job, content in workflow.get("jobs", {"": None}).items():
            if (
                not isinstance(content, dict)
                or not {"runs-on", "steps"} <= content.keys()
            ):
                yield f"{name}: job {job} has no steps or nothing to run on"


def workflows_pin_actions(repository: Repository) -> Iterator[str]:
    """An action is named by its commit: a tag or a branch can change behind our back."""
    for name, used in _used_actions(repository):
        if not PINNED.fullmatch(used):
            yield f"{name}: {used} is not pinned to a commit"


def workflows_release_what_may_be_released(repository: Repository) -> Iterator[str]:
    """What runs for a tag checks the release before it publishes it."""
    for name, workflow in _workflows(repository):
        # YAML 1.1 reads the key `on` as true.
        trigger = workflow.get("on", workflow.get(True, ()))
        if not isinstance(trigger, dict) or "tags" not in (trigger.get("push") or {}):
            continue
        for job, content in workflow.get("jobs", {}).items():
            runs = [step.get("run", "") for step in content.get("steps", [])]
            if not any("scripts/release-notes" in run for run in runs):
                yield f"{name}: job {job} does not check the release"


def issue_forms_ask_for_what_helps(repository: Repository) -> Iterator[str]:
    """Who reports a problem is asked for diagnostics and system health, and cannot leave them out."""
    folder = repository.root / ".github" / "ISSUE_TEMPLATE"
    required: set[str] = set()
    for path in sorted(folder.glob("*.yml")):
        content = repository.yaml(path)
        if path.name == "config.yml":
            if content.get("blank_issues_enabled") is not False:
                yield f"{path.name} lets issues be opened without a form"
            continue
        for key in ("name", "description", "body"):
            if not content.get(key):
                yield f"{path.name} has no {key}"
        required |= {
            field["id"]
            for field in content.get("body") or []
            if field.get("validations", {}).get("required")
        }
    for key in ("diagnostics", "system-health"):
        if key not in required:
            yield f"no issue form asks for {key}"


def dependabot_watches_actions_and_tools(repository: Repository) -> Iterator[str]:
    """Actions and tools are kept up to date; what belongs to a release of Home Assistant is moved by our own script."""
    path = repository.root / ".github" / "dependabot.yml"
    content = repository.yaml(path) if path.is_file() else {}
    updates = {each["package-ecosystem"]: each for each in content.get("updates", [])}
    for ecosystem in ("github-actions", "pip"):
        if ecosystem not in updates:
            yield f"Dependabot does not watch {ecosystem}"
    ignored = {
        each["dependency-name"] for each in updates.get("pip", {}).get("ignore", [])
    }
    script = (repository.root / "scripts" / "update-home-assistant").read_text("utf-8")
    for name in PINS.findall(
        "".join(
            (repository.root / f"requirements_{each}.txt").read_text("utf-8")
            for each in ("test", "e2e", "latest", "oldest")
        )
    ):
        ours = bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", script))
        if ours != (name in ignored):
            yield f"{name} is moved by {'both' if ours else 'nothing'}"


def devcontainer_sets_everything_up(repository: Repository) -> Iterator[str]:
    """Whoever opens the repository in a container can run the tests at once."""
    path = repository.root / ".devcontainer" / "devcontainer.json"
    content = repository.json(path) if path.is_file() else {}
    for script in ("scripts/setup", "scripts/setup-frontend", "scripts/setup-e2e"):
        if script not in content.get("postCreateCommand", "").split(" && "):
            yield f"devcontainer.json does not run {script}"


def workflows_run_the_validators(repository: Repository) -> Iterator[str]:
    """What is not checked here is checked by hassfest and HACS, and a landing is decided by .ci/run."""
    used = {action.partition("@")[0] for _, action in _used_actions(repository)}
    for action in sorted({"home-assistant/actions/hassfest", "hacs/action"} - used):
        yield f"no workflow uses {action}"
    deciding = {
        name
        for name, workflow in _workflows(repository)
        # YAML 1.1 reads the key `on` as true.
        if "pull_request" in workflow.get("on", workflow.get(True, ()))
    }
    if not any(
        name in deciding and ".ci/run" in step.get("run", "")
        for name, step in _steps(repository)
    ):
        yield "no workflow runs .ci/run for a pull request"


def address_is_the_same_everywhere(repository: Repository) -> Iterator[str]:
    """The repository has one home, the one in the manifest, and scripts/set-repository finds every place that names it."""
    try:
        ours = home(repository)
    except ValueError as err:
        yield str(err)
        return
    for path, text in documents(repository):
        name = repository.name(path)
        # What shows that a stray is noticed names some.
        if name.startswith("tests/metadata/"):
            continue
        for other in dict.fromkeys(addresses(text)):
            if other != ours and other.owner not in OTHER_OWNERS:
                yield f"{name} links to {other}, the manifest to {ours}"
    if ours.owner != PLACEHOLDER:
        if f"@{PLACEHOLDER}" in repository.manifest.get("codeowners", []):
            yield f"the code owner is still {PLACEHOLDER}"
        if PLACEHOLDER in licence_line(repository).split():
            yield f"LICENSE still names {PLACEHOLDER}"
    project = tomllib.loads((repository.root / "pyproject.toml").read_text("utf-8"))
    if (name := project["project"]["name"]) != ours.name:
        yield f"pyproject.toml names {name}, the manifest {ours.name}"


def licence_names_its_owner(repository: Repository) -> Iterator[str]:
    """The line of the licence that says whose it is has a year and a name."""
    if not re.fullmatch(r"Copyright \d{4} [^\[\]]+", licence_line(repository)):
        yield "LICENSE does not say whose it is"


def _hacs(repository: Repository) -> dict[str, Any]:
    """Return what HACS is told, nothing where the file is missing."""
    path = repository.root / "hacs.json"
    return repository.json(path) if path.is_file() else {}


def _images(repository: Repository) -> Iterator[tuple[str, Image]]:
    """Yield what the header of each brand image says."""
    for path in sorted((repository.integration / "brand").glob("*.png")):
        with path.open("rb") as file:
            header = file.read(26)
        if header[:8] == b"\x89PNG\r\n\x1a\n":
            width, height, _, colour = struct.unpack(">IIBB", header[16:26])
            # 4 and 6 are grey and RGB with an alpha channel; 3 is a palette, which may hold transparent colours.
            transparent = colour in (4, 6) or (
                colour == 3 and b"tRNS" in path.read_bytes()
            )
            yield path.name, Image(width, height, transparent)
        else:
            yield path.name, Image(0, 0, transparent=False)


def _workflows(repository: Repository) -> Iterator[tuple[str, dict[Any, Any]]]:
    """Yield the workflows; one that cannot be read is empty."""
    for path in sorted((repository.root / ".github/workflows").glob("*.y*ml")):
        try:
            yield path.name, repository.yaml(path)
        except HomeAssistantError:
            yield path.name, {}


def _steps(repository: Repository) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every step of every workflow."""
    for name, workflow in _workflows(repository):
        for job in workflow.get("jobs", {}).values():
            for step in job.get("steps", []):
                yield name, step


def _used_actions(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield every action that a workflow uses."""
    for name, step in _steps(repository):
        if "uses" in step:
            yield name, step["uses"]
