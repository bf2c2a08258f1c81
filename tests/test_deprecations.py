"""Tests of the check for use of deprecated code."""

import pytest

from .deprecations import REPOSITORY, is_deprecation

pytest_plugins = ["pytester"]

# An integration with our name and folder, which does what ours must not.
INTEGRATION = """
import warnings

from homeassistant.helpers.deprecation import deprecated_function
from homeassistant.helpers.frame import report_usage


@deprecated_function("other", breaks_in_ha_version="2099.1")
def old():
    pass


def call_what_is_deprecated():
    old()


def use_what_is_reported():
    report_usage("does as nobody should", breaks_in_ha_version="2099.1")


def use_what_python_deprecates():
    warnings.warn("old", DeprecationWarning)


def do_as_one_should():
    pass
"""

TESTS = """
import pytest

from custom_components import golioth


@pytest.mark.parametrize(
    "name",
    ["call_what_is_deprecated", "use_what_is_reported", "use_what_python_deprecates", "do_as_one_should"],
)
async def test_use(hass, name):
    getattr(golioth, name)()
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_deprecation_fails_a_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests that use deprecated code fail.

    They run with the configuration of our own tests.
    """
    components = pytester.mkpydir("custom_components")
    integration = components / "golioth"
    integration.mkdir()
    (integration / "__init__.py").write_text(INTEGRATION)
    pytester.makepyfile(TESTS)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    result = pytester.runpytest_subprocess(
        *("-c", REPOSITORY / "pyproject.toml", "--rootdir", pytester.path),
        *("-p", "tests.no_deprecation", "-p", "no:cacheprovider"),
    )
    # Home Assistant's reports fail a test after it has passed; Python's warnings fail
    # it themselves.
    result.assert_outcomes(passed=3, errors=2, failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "E *The deprecated function old was called from golioth*",
            "E *Detected that custom integration 'golioth' does as nobody should*",
            "E *DeprecationWarning: old",
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        "The deprecated constant OLD was used from other. It will be removed in HA Core 2099.1",
        f"Detected that integration 'other' sleeps at {REPOSITORY}/.venv",
        "We found a custom integration golioth which has not been tested by Home Assistant",
    ],
)
def test_other_warnings_are_none_of_ours(text: str) -> None:
    """Warnings about others, or about something else, are ignored."""
    assert not is_deprecation(text)
