"""Tests of scripts/check-coverage.

Too little coverage of lines or of branches fails.
"""

import json
from pathlib import Path
import subprocess
import sys

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check-coverage"

ENOUGH = {
    "num_statements": 1000,
    "covered_lines": 970,
    "num_branches": 200,
    "covered_branches": 194,
}
ALL = {
    "num_statements": 90,
    "covered_lines": 90,
    "num_branches": 10,
    "covered_branches": 10,
}


def check(
    folder: Path, totals: dict[str, int], config_flow: dict[str, int]
) -> subprocess.CompletedProcess[str]:
    """Run the script on a report."""
    name = "custom_components/golioth/config_flow.py"
    report = {"totals": totals, "files": {name: {"summary": config_flow}}}
    path = folder / "coverage.json"
    path.write_text(json.dumps(report))
    return subprocess.run(  # noqa: S603
        [sys.executable, SCRIPT, path], capture_output=True, text=True, check=False
    )


def test_enough(tmp_path: Path) -> None:
    """Sufficient coverage is printed."""
    result = check(tmp_path, ENOUGH, ALL)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "coverage: custom_components/golioth: 97.00 % of 1000 lines and 97.00 % of 200 branches\n"
        "coverage: custom_components/golioth/config_flow.py: 100.00 % of 90 lines and 100.00 % of 10 branches\n"
    )


@pytest.mark.parametrize(
    ("totals", "config_flow", "complaint"),
    [
        (ENOUGH | {"covered_lines": 969}, ALL, "golioth: 96.90 % of the lines"),
        # Lines and branches together would be enough.
        (
            ENOUGH | {"covered_lines": 1000, "covered_branches": 193},
            ALL,
            "golioth: 96.50 % of the branches",
        ),
        (ENOUGH, ALL | {"covered_lines": 89}, "config_flow.py: 98.88 % of the lines"),
        (ENOUGH, ALL | {"covered_branches": 9}, "config_flow.py: 90.00 % of the br"),
    ],
)
def test_too_little(
    tmp_path: Path,
    totals: dict[str, int],
    config_flow: dict[str, int],
    complaint: str,
) -> None:
    """One of the four numbers below its limit fails."""
    result = check(tmp_path, totals, config_flow)
    assert result.returncode == 1
    assert complaint in result.stderr
