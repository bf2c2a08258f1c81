"""Rules for translations/: complete, translated, and safe to show."""

from collections.abc import Iterator
import re
from typing import Final

from tests.metadata.repository import TRANSLATIONS, Repository, placeholders

from .registry import violation

# The languages that are promised beside English.
LANGUAGES: Final = ("de", "es", "fr", "nl")

# What fills a text that Home Assistant renders as Markdown: our own words and numbers.
OWN_PLACEHOLDERS: Final = frozenset(
    {"console_url", "longest", "max_length", "max_modules", "needed", "time", "times"}
)

SENTENCES: Final = re.compile(r"[.!?]\s+[^\W\d_a-zß-ÿ]")
QUOTED_BRACE: Final = re.compile(r"'[{}]")

DUTCH: Final = f"{TRANSLATIONS}/nl.json"
ENGLISH: Final = f"{TRANSLATIONS}/en.json"
FRENCH: Final = f"{TRANSLATIONS}/fr.json"


@violation("nl: config.abort.already_configured is missing", DUTCH)
@violation("de: config.abort.x is missing", ENGLISH, '"abort": {', '"abort": {"x": "",')
@violation("nl: config.abort.x is not in", DUTCH, '"abort": {', '"abort": {"x": "Nee",')
@violation("nl: options.error.too_many_modules has not", DUTCH, "{max_modules}", "veel")
def languages_are_complete(repository: Repository) -> Iterator[str]:
    """Have English's texts and placeholders in every other language."""
    english = repository.language("en")
    for language in LANGUAGES:
        translated = repository.language(language)
        for key in sorted(english.keys() - translated.keys()):
            yield f"{language}: {key} is missing"
        for key in sorted(translated.keys() - english.keys()):
            yield f"{language}: {key} is not in English"
        for key in sorted(english.keys() & translated.keys()):
            if placeholders(translated[key]) != placeholders(english[key]):
                yield f"{language}: {key} has not the placeholders of English"


@violation("title is in", DUTCH, "Golioth-project toevoegen", "Add a Golioth project")
def languages_are_translated(repository: Repository) -> Iterator[str]:
    """Translate each text of several words; Transport may stay."""
    english = repository.language("en")
    for language in LANGUAGES:
        for key, text in repository.language(language).items():
            if " " in text and text == english.get(key):
                yield f"{language}: {key} is in English"


@violation("en: config.error.not_golioth does", ENGLISH, "Check the address.", "Check")
@violation("config.error.unknown does", DUTCH, '"unknown": "', '"unknown": "x","y":"')
def sentences_end_with_a_full_stop(repository: Repository) -> Iterator[str]:
    """End sentences with a full stop, as English does.

    A text that has lost a sentence is noticed.
    """
    english = repository.language("en")
    for language in ("en", *LANGUAGES):
        for key, text in repository.language(language).items():
            several = SENTENCES.search(text) and not text.endswith((".", "}"))
            if several or text.endswith(".") != english.get(key, text).endswith("."):
                yield f"{language}: {key} does not end as it should"


@violation("abort.x has an", FRENCH, '"abort": {', '"abort": {"x": "d\'{a}",')
@violation("config.error.x shows {a}", ENGLISH, '"error": {', '"error": {"x": "{a}",')
def placeholders_are_shown_as_they_are(repository: Repository) -> Iterator[str]:
    """Show placeholders as they are, despite apostrophes and Markdown.

    In the message format of the frontend, an apostrophe before a brace takes its
    meaning: `l'{name}` shows as `l{name}`. All texts of flows and repairs but the
    titles are Markdown, or may become it, and so have no name of the service's.
    """
    for language in ("en", *LANGUAGES):
        for key, text in repository.language(language).items():
            if QUOTED_BRACE.search(text):
                yield f"{language}: {key} has an apostrophe before a brace"
    for key, text in repository.language("en").items():
        if re.match(r"(config|options|issues)\.(?!.*title$)", key):
            for name in sorted(placeholders(text) - OWN_PLACEHOLDERS):
                yield f"{key} shows {{{name}}} as Markdown"
