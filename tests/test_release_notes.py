"""Tests of scripts/release-notes.

Tag, manifest, and CHANGELOG must agree.
"""

import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

REPOSITORY = Path(__file__).parents[1]

MANIFEST = """{
  "domain": "golioth",
  "codeowners": ["@example"],
  "documentation": "https://github.com/example/ha-golioth",
  "issue_tracker": "https://github.com/example/ha-golioth/issues",
  "version": "1.2.3"
}"""
CHANGELOG = """# Changelog

All notable changes are listed here.

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- What is new.

## [1.2.2] - 2026-11-30

- What was new.
"""


def run(
    folder: Path,
    *arguments: str,
    manifest: str = MANIFEST,
    changelog: str = CHANGELOG,
    repository: str = "example/ha-golioth",
) -> subprocess.CompletedProcess[str]:
    """Run the script in a repository with only its input."""
    script = folder / "scripts" / "release-notes"
    integration = folder / "custom_components" / "golioth"
    for path in (script.parent, integration):
        path.mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts" / "release-notes", script)
    (integration / "manifest.json").write_text(manifest)
    (folder / "CHANGELOG.md").write_text(changelog)
    return subprocess.run(  # noqa: S603
        [sys.executable, script, *arguments],
        env={**os.environ, "GITHUB_REPOSITORY": repository},
        capture_output=True,
        text=True,
        check=False,
    )


def test_notes(tmp_path: Path) -> None:
    """The notes are the release's section of the CHANGELOG."""
    result = run(tmp_path, "v1.2.3")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "### Added\n\n- What is new.\n"


@pytest.mark.parametrize(
    ("tag", "manifest", "old", "new", "complaint"),
    [
        ("v1.2.4", MANIFEST, "", "", "the tag is v1.2.4, but"),
        ("1.2.3", MANIFEST, "", "", "not of the form v1.2.3"),
        ("v1.2.3", MANIFEST.replace("1.2.3", "1.2.2"), "", "", "manifest.json has 1.2.2"),
        ("v1.2.3", MANIFEST, "## [1.2.3] - 2026-12-01\n", "", "not with ['Unreleased', '1.2.2']"),
        ("v1.2.3", MANIFEST, "## [1.2.3]", "## [1.2.4]", "not with ['Unreleased', '1.2.4']"),
        ("v1.2.3", MANIFEST, "[Unreleased]\n", "[Unreleased]\n\n- More.\n", "still has changes"),
        ("v1.2.3", MANIFEST, "- 2026-12-01", "- 2026-13-01", "has no date"),
        ("v1.2.3", MANIFEST, " - 2026-12-01", "", "has no date"),
        ("v1.2.3", MANIFEST, "### Added\n\n- What is new.\n", "", "says nothing"),
    ],
)  # fmt: skip
def test_contradictions_stop_a_release(
    tmp_path: Path, tag: str, manifest: str, old: str, new: str, complaint: str
) -> None:
    """Contradictions stop a release.

    The message explains each.
    """
    changelog = CHANGELOG.replace(old, new, 1) if old else CHANGELOG
    assert not old or changelog != CHANGELOG
    result = run(tmp_path, tag, manifest=manifest, changelog=changelog)
    assert result.returncode == 1
    assert result.stdout == ""
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_usage(tmp_path: Path) -> None:
    """The tag is required."""
    result = run(tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "usage: scripts/release-notes v1.2.3" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "repository", "complaint"),
    [
        ("@example", "@OWNER", "example/ha-golioth", "has OWNER in place of an owner"),
        ("com/example", "com/OWNER", "OWNER/x", "has OWNER in place of an owner"),
        ("com/example/ha-golioth/issues", "com/OWNER/x/issues", "", "has OWNER in place of an owner"),
        ("", "", "example/other", "but this is https://github.com/example/other"),
        ("", "", "example/renamed", "but this is https://github.com/example/renamed"),
    ],
)  # fmt: skip
def test_wrong_address(
    tmp_path: Path, old: str, new: str, repository: str, complaint: str
) -> None:
    """Wrong links stop the release.

    They lead nowhere or to another repository.
    """
    manifest = MANIFEST.replace(old, new)
    result = run(tmp_path, "v1.2.3", manifest=manifest, repository=repository)
    assert result.returncode == 1
    assert result.stdout == ""
    assert complaint in result.stderr
    assert "run scripts/set-repository" in result.stderr


def test_by_hand(tmp_path: Path) -> None:
    """Outside of GitHub, the repository is not checked."""
    assert run(tmp_path, "v1.2.3", repository="").returncode == 0
