"""Rules for what GitHub runs, shows and watches."""

from collections.abc import Iterator
import re
import tomllib
from typing import Any, Final, NamedTuple

from tests.metadata.address import addresses, home
from tests.metadata.repository import INTEGRATION, Repository

from .registry import violation

CONTAINER: Final = ".devcontainer/devcontainer.json"
DEPENDABOT: Final = ".github/dependabot.yml"
FORMS: Final = ".github/ISSUE_TEMPLATE"
MANIFEST: Final = f"{INTEGRATION}/manifest.json"
UPDATE: Final = "scripts/update-home-assistant"
WORKFLOWS: Final = ".github/workflows"

VALIDATORS: Final = {"home-assistant/actions/hassfest", "hacs/action"}
# Whose repositories a document may link to as well.
OTHER_OWNERS: Final = {"example", "golioth", "hacs", "home-assistant"}


class Job(NamedTuple):
    """A job of a workflow: its triggers, actions and commands."""

    path: str
    name: str
    on: dict[str, Any]
    actions: list[str]
    commands: str


@violation("checkout@v7 is not", f"{WORKFLOWS}/test.yml", "checkout@", "checkout@v7 #")
def workflows_pin_actions(repository: Repository) -> Iterator[str]:
    """Name an action by its commit: tags can be moved."""
    for job in _jobs(repository):
        for action in job.actions:
            if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action):
                yield f"{job.path}: {action} is not pinned to a commit"


@violation("nothing runs hacs/", f"{WORKFLOWS}/validate.yml", "hacs/action@", "x/y@")
@violation("nothing decides", f"{WORKFLOWS}/test.yml", "bash .ci/run", "make")
@violation("job test", f"{WORKFLOWS}/release.yml", "scripts/release-notes", "echo")
def workflows_check_changes_and_releases(repository: Repository) -> Iterator[str]:
    """Run the validators and .ci/run, and check a release first."""
    jobs = [*_jobs(repository)]
    used = {action.partition("@")[0] for job in jobs for action in job.actions}
    for action in sorted(VALIDATORS - used):
        yield f"nothing runs {action}"
    if not any("pull_request" in job.on and ".ci/run" in job.commands for job in jobs):
        yield "nothing decides about a pull request by .ci/run"
    for job in jobs:
        is_release = "tags" in (job.on.get("push") or ())
        if is_release and "scripts/release-notes" not in job.commands:
            yield f"{job.path}: job {job.name} does not check the release"


@violation("config.yml lets", f"{FORMS}/config.yml", "enabled: false", "enabled: true")
@violation("asks for diagnostics", f"{FORMS}/problem.yml", "id: diagnostics", "id: x")
def issue_forms_ask_for_what_helps(repository: Repository) -> Iterator[str]:
    """Require diagnostics and system health in each report."""
    if repository.yaml(f"{FORMS}/config.yml").get("blank_issues_enabled") is not False:
        yield "config.yml lets issues be opened without a form"
    required = {
        field["id"]
        for path in repository.paths(f"{FORMS}/*.yml")
        for field in repository.yaml(path).get("body", ())
        if field.get("validations", {}).get("required")
    }
    for key in sorted({"diagnostics", "system-health"} - required):
        yield f"no form asks for {key}"


@violation("Dependabot does not watch npm", DEPENDABOT, "npm", "x")
@violation("homeassistant is moved by both", DEPENDABOT, "homeassistant\n", "x\n")
@violation("pytest is moved by nothing", UPDATE, "in pytest ", "in ")
@violation("2026.9.0, which is not tested", "hacs.json", "2026.10.0", "2026.9.0")
def pins_are_moved(repository: Repository) -> Iterator[str]:
    """Let Dependabot, or our script for releases, move each pin.

    The oldest release that may install the integration is the one that is tested.
    """
    updates = {
        each["package-ecosystem"]: each
        for each in repository.yaml(DEPENDABOT)["updates"]
    }
    for ecosystem in sorted({"github-actions", "npm", "pip"} - updates.keys()):
        yield f"Dependabot does not watch {ecosystem}"
    ignored = [each["dependency-name"] for each in updates["pip"]["ignore"]]
    script = repository.text(UPDATE)
    for path in repository.paths("requirements_*.txt"):
        for name in re.findall(r"^([\w-]+)==", repository.text(path), re.MULTILINE):
            ours = (
                re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", script) is not None
            )
            if ours != (name in ignored):
                yield f"{name} is moved by {'both' if ours else 'nothing'}"
    oldest = repository.json("hacs.json").get("homeassistant")
    if f"homeassistant=={oldest}\n" not in repository.text("requirements_oldest.txt"):
        yield f"hacs.json takes {oldest}, which is not tested"


@violation("scripts/setup-e2e is not run", CONTAINER, " && scripts/setup-e2e", "")
def devcontainer_sets_everything_up(repository: Repository) -> Iterator[str]:
    """Let whoever opens the container run the tests at once."""
    commands = repository.json(CONTAINER).get("postCreateCommand", "").split(" && ")
    for script in repository.paths("scripts/setup*"):
        if script not in commands:
            yield f"{script} is not run"


@violation("SECURITY.md links to x/y", "SECURITY.md", new="https://github.com/x/y")
@violation("links to x/y", "tests/x.py", new="https://my.org/?url=github.com%2Fx%2Fy")
@violation("links to x/y", "README.md", new="https://my.org/?owner=x&repository=y")
@violation("which is not at GitHub", MANIFEST, "github.com/", "example.com/")
@violation("pyproject.toml names y", "pyproject.toml", '\nname = "', '\nname = "y" #')
@violation("LICENSE does not", "LICENSE", "\n   Copyright ", "\n   Copyright [yyyy] ")
def address_is_the_same_everywhere(repository: Repository) -> Iterator[str]:
    """Name one repository and owner, in forms that scripts/set-repository finds."""
    try:
        ours = home(repository)
    except ValueError as err:
        yield str(err)
        return
    for path, content in repository.files.items():
        # What shows that a stray is noticed names some.
        if path.startswith("tests/metadata/") or b"\0" in content:
            continue
        for other in dict.fromkeys(addresses(content.decode("utf-8", "replace"))):
            if other != ours and other.owner not in OTHER_OWNERS:
                yield f"{path} links to {other}, the manifest to {ours}"
    if not re.search(
        r"^ +Copyright \d{4} [^\[\]]+$", repository.text("LICENSE"), re.MULTILINE
    ):
        yield "LICENSE does not say whose it is"
    name = tomllib.loads(repository.text("pyproject.toml"))["project"]["name"]
    if name != ours.name:
        yield f"pyproject.toml names {name}, the manifest {ours.name}"


def _jobs(repository: Repository) -> Iterator[Job]:
    """Yield every job of the workflows."""
    for path in repository.paths(f"{WORKFLOWS}/*"):
        workflow: dict[Any, Any] = repository.yaml(path)
        for name, job in workflow["jobs"].items():
            yield Job(
                path,
                name,
                # YAML 1.1 reads the key `on` as true.
                workflow[True],
                [step["uses"] for step in job["steps"] if "uses" in step],
                "\n".join(step.get("run", "") for step in job["steps"]),
            )
