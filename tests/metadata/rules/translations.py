"""Rules for translations/: the whole structure of English, and what keeps the other languages usable."""

from collections.abc import Iterator
import re
from string import Formatter
from typing import Any

import voluptuous as vol

from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv
from tests.metadata.repository import Repository, texts

type Path = tuple[str, ...]

KEY = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
URL = re.compile(r"\w://|\bwww\.", re.IGNORECASE)
QUOTED_BRACE = re.compile(r"'[{}]")
SENTENCES = re.compile(r"[.!?]\s+[^\W\d_a-zß-ÿ]")

# The languages that are promised beside English.
LANGUAGES = ("de", "es", "fr", "nl")

# What fills a text that Home Assistant renders as Markdown: our own words and numbers.
OWN_PLACEHOLDERS = frozenset(
    {"console_url", "longest", "max_length", "max_modules", "needed", "time", "times"}
)

TEXTS = {str: str}
STEP_SECTION = {
    vol.Optional("name"): str,
    vol.Optional("description"): str,
    vol.Optional("data"): TEXTS,
    vol.Optional("data_description"): TEXTS,
}
FLOW = {
    vol.Optional("flow_title"): str,
    vol.Required("step"): {
        str: {
            vol.Optional("title"): str,
            vol.Optional("description"): str,
            vol.Optional("data"): TEXTS,
            vol.Optional("data_description"): TEXTS,
            vol.Optional("menu_options"): TEXTS,
            vol.Optional("menu_option_descriptions"): TEXTS,
            vol.Optional("submit"): str,
            vol.Optional("sections"): {str: STEP_SECTION},
        }
    },
    vol.Optional("error"): TEXTS,
    vol.Optional("abort"): TEXTS,
    vol.Optional("progress"): TEXTS,
    vol.Optional("create_entry"): TEXTS,
}
DESCRIBED = {
    vol.Required("name"): str,
    vol.Required("description"): str,
    vol.Optional("fields"): {
        str: {
            vol.Required("name"): str,
            vol.Required("description"): str,
            vol.Optional("example"): str,
        }
    },
    vol.Optional("sections"): {
        str: {vol.Required("name"): str, vol.Optional("description"): str}
    },
}
STRUCTURE = vol.Schema(
    {
        vol.Optional("title"): str,
        vol.Optional("config"): FLOW,
        vol.Optional("config_panel"): {str: TEXTS},
        vol.Optional("options"): FLOW,
        vol.Optional("device"): {str: {vol.Required("name"): str}},
        vol.Optional("entity"): {
            vol.In([*Platform]): {
                str: {
                    vol.Optional("name"): str,
                    vol.Optional("state"): TEXTS,
                    vol.Optional("state_attributes"): {
                        str: {vol.Optional("name"): str, vol.Optional("state"): TEXTS}
                    },
                    vol.Optional("unit_of_measurement"): str,
                }
            }
        },
        vol.Optional("exceptions"): {str: {vol.Required("message"): str}},
        vol.Optional("issues"): {
            str: vol.All(
                {
                    vol.Required("title"): str,
                    vol.Exclusive("description", "what the user can do"): str,
                    vol.Exclusive("fix_flow", "what the user can do"): FLOW,
                },
                cv.has_at_least_one_key("description", "fix_flow"),
            )
        },
        vol.Optional("services"): {str: DESCRIBED},
        vol.Optional("triggers"): {str: DESCRIBED},
        vol.Optional("conditions"): {str: DESCRIBED},
        vol.Optional("selector"): {str: {vol.Required("options"): TEXTS}},
        vol.Optional("system_health"): {vol.Required("info"): TEXTS},
    }
)


def translations_come_without_strings_json(repository: Repository) -> Iterator[str]:
    """Only core builds its translations from strings.json."""
    if (repository.integration / "strings.json").exists():
        yield "strings.json is not read in a custom integration: use translations/en.json"


def translations_are_valid_json(repository: Repository) -> Iterator[str]:
    """Each language is one JSON object in translations/, and English is among them."""
    if not (repository.translations / "en.json").is_file():
        yield "translations/en.json is missing"
    for path in repository.translations.glob("*"):
        if path.suffix != ".json":
            yield f"{path.name} is no translation"
            continue
        try:
            repository.json(path)
        except ValueError as error:
            yield f"{path.name}: {error}"


def translations_have_the_known_structure(repository: Repository) -> Iterator[str]:
    """English holds the sections that Home Assistant reads, and nothing else."""
    try:
        STRUCTURE(repository.english)
    except vol.MultipleInvalid as invalid:
        for error in invalid.errors:
            yield f"{'.'.join(map(str, error.path))}: {error.msg}"


def translation_keys_are_slugs(repository: Repository) -> Iterator[str]:
    """Keys are `[a-z0-9_-]+`, and neither start nor end with, nor double, a separator."""
    for key in sorted({key for path, _ in texts(repository.english) for key in path}):
        if not KEY.fullmatch(key):
            yield f"{key} is not a valid key"


def translations_refer_to_no_other_key(repository: Repository) -> Iterator[str]:
    """Only core resolves references: here a user would read `[%key:…%]`."""
    for where, text in _every_text(repository):
        if "[%" in text or "%]" in text:
            yield f"{where} refers to another key"


def translations_hold_no_html(repository: Repository) -> Iterator[str]:
    """Texts are Markdown or plain."""
    for where, text in _every_text(repository):
        try:
            cv.string_with_no_html(text)
        except vol.Invalid:
            yield f"{where} holds HTML"


def translations_hold_no_url(repository: Repository) -> Iterator[str]:
    """An address is passed as a placeholder, so that no translator can change it."""
    for where, text in _every_text(repository):
        if URL.search(text):
            yield f"{where} holds a URL: pass it in description_placeholders"


def translations_are_trimmed(repository: Repository) -> Iterator[str]:
    """No text starts or ends with white space, and none is empty."""
    for where, text in _every_text(repository):
        if not text or text != text.strip():
            yield f"{where} starts or ends with white space, or is empty"


def translations_quote_no_placeholder(repository: Repository) -> Iterator[str]:
    """In the message format that the frontend uses, an apostrophe before a brace takes its meaning: `l'{name}` shows as `l{name}`."""
    for where, text in _every_text(repository):
        if QUOTED_BRACE.search(text):
            yield f"{where} has an apostrophe before a brace"


def several_sentences_end_with_a_full_stop(repository: Repository) -> Iterator[str]:
    """What is more than a label ends as sentences do, unless it ends with what somebody else says."""
    for where, text in _every_text(repository):
        if SENTENCES.search(text) and not text.endswith((".", "}")):
            yield f"{where} has several sentences, and no full stop at the end"


def translation_placeholders_are_names(repository: Repository) -> Iterator[str]:
    """A placeholder is a name in braces, and every brace belongs to one."""
    for where, text in _every_text(repository):
        try:
            names = _placeholders(text)
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        for name in sorted(names):
            if not name.isidentifier():
                yield f"{where}: {{{name}}} is not a name"


def translations_hold_no_foreign_markdown(repository: Repository) -> Iterator[str]:
    """A name of the service's stands in titles alone: all other texts of flows and repairs are Markdown, or may become it."""
    for path, text in texts(repository.english):
        if path[0] in ("config", "options", "issues") and not path[-1].endswith(
            "title"
        ):
            for name in sorted(_placeholders(text) - OWN_PLACEHOLDERS):
                yield f"{'.'.join(path)} has {{{name}}}, which would be Markdown"


def translated_states_have_no_placeholder(repository: Repository) -> Iterator[str]:
    """Nothing fills a placeholder in a state, in the name of an attribute or in a unit."""
    for path, text in texts(repository.english.get("entity", {})):
        if set(path[2:]) & {"state", "state_attributes", "unit_of_measurement"}:
            if "{" in text:
                yield f"entity.{'.'.join(path)} has a placeholder"


def data_descriptions_describe_data(repository: Repository) -> Iterator[str]:
    """A `data_description` without its key in `data` is shown nowhere."""
    for path, step in _mappings(repository.english):
        for key in step.get("data_description", {}):
            if key not in step.get("data", {}):
                yield f"{'.'.join(path)}: {key} is described but not in data"


def translations_follow_english(repository: Repository) -> Iterator[str]:
    """Another language has no keys of its own, and the placeholders of English.

    Home Assistant drops a text with other placeholders, and logs an error for each.
    """
    english = dict(texts(repository.english))
    for where, key, text in _every_translation(repository):
        if key not in english:
            yield f"{where} is not in English"
        elif _placeholders(text) != _placeholders(english[key]):
            yield f"{where} has other placeholders than English"


def languages_are_complete(repository: Repository) -> Iterator[str]:
    """Every language that is promised is there, and each that is there has all texts of English."""
    for language in LANGUAGES:
        if not (repository.translations / f"{language}.json").is_file():
            yield f"translations/{language}.json is missing"
    for path in repository.translations.glob("*.json"):
        translated = {key for key, _ in texts(repository.json(path))}
        for key, _ in texts(repository.english):
            if key not in translated:
                yield f"{path.name}: {'.'.join(key)} is missing"


def languages_are_translated(repository: Repository) -> Iterator[str]:
    """Several words are not the same in another language; one word, such as Transport, may be."""
    english = dict(texts(repository.english))
    for where, key, text in _every_translation(repository):
        if text == english.get(key) and " " in text:
            yield f"{where} is in English"


def languages_end_texts_as_english(repository: Repository) -> Iterator[str]:
    """A text ends with a full stop where English has one, and only there: what has lost a sentence is noticed."""
    english = dict(texts(repository.english))
    for where, key, text in _every_translation(repository):
        if key in english and text.endswith(".") != english[key].endswith("."):
            yield f"{where} does not end as in English"


def _mappings(node: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every mapping with the keys that lead to it."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from _mappings(value, (*path, key))


def _every_text(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield the texts of every language, each with the file and the key that it stands at."""
    for path in sorted(repository.translations.glob("*.json")):
        for key, text in texts(repository.json(path)):
            yield f"{path.name}: {'.'.join(key)}", text


def _every_translation(repository: Repository) -> Iterator[tuple[str, Path, str]]:
    """Yield the texts of every language but English, each with where it stands, and with its key."""
    for path in sorted(repository.translations.glob("*.json")):
        if path.name != "en.json":
            for key, text in texts(repository.json(path)):
                yield f"{path.name}: {'.'.join(key)}", key, text


def _placeholders(text: str) -> set[str]:
    """Return the names of the placeholders in a text.

    Raises:
        ValueError: The braces in the text do not match.
    """
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
