"""A rule for scripts/: they run on macOS as well."""

from collections.abc import Iterator
import re
from typing import Final

from tests.metadata.repository import Repository

from .registry import violation

# Of Debian, and run nowhere else.
OF_DEBIAN: Final = "scripts/python-from-debian"

# What bash 3.2 does not know, and what the tools of macOS do not.
FOREIGN: Final = {
    "mapfile": r"\b(mapfile|readarray)\b",
    "an associative array": r"\b(declare|local|typeset) -[a-zA-Z]*A",
    "a reference": r"\b(declare|local|typeset) -[a-zA-Z]*n",
    "upper and lower case": r"\$\{\w+(\[[^]]*\])?(,|\^)",
    "an expansion with @": r"\$\{\w+(\[[^]]*\])?@[A-Za-z]\}",
    "|& or &>>": r"\|&|&>>",
    "wait -n": r"\bwait -n\b",
    "coproc": r"\bcoproc\b",
    "[ -v": r"\[\[? -v ",
    "globstar": r"\bglobstar\b",
    "a time from bash": r"\$\{?EPOCH(SECONDS|REALTIME)\b|printf [^|;]*%\(",
    "a negative index": r"\$\{\w+\[-",
    "sed -i": r"\bsed\b[^|;]* (-[a-zA-Z]*i|--in-place)\b",
    "sed -r": r"\bsed -[a-z]*r\b",
    "grep -P": r"\bgrep -[a-zA-Z]*P",
    "a sum of GNU": r"\b(md5|sha\d+)sum\b",
    "readlink -f or realpath": r"\breadlink -[a-z]*f|\brealpath\b",
    "date of GNU": r"\bdate (-d|--date|-I|--iso)",
    "stat of GNU": r"\bstat (-c|--format|--printf)",
    "xargs -r": r"\bxargs -[a-z0]*r",
    "find of GNU": r"\bfind\b[^|;]* -printf\b|(^|[;&|(] ?)find -",
    "nproc": r"\bnproc\b",
    "timeout": r"(^|[;&|(] ?|exec )timeout ",
    "sort -V": r"\bsort -[a-zA-Z]*V",
    "head of GNU": r"\bhead (-n -|-c -|--)",
    "base64 -w": r"\bbase64 -w",
    "cp of GNU": r"\bcp (-[a-zA-Z]*[tT]\b|--)",
    "/proc": r"/proc/",
}
EMPTY_ARRAY: Final = re.compile(r"^\s*(?:local )?(\w+)=\(\)", re.MULTILINE)
BASH: Final = "#!/usr/bin/env bash\n"


@violation("scripts/x uses mapfile", "scripts/x", new=f"{BASH}mapfile -t lines <file")
@violation("uses an associative array", "scripts/x", new=f"{BASH}declare -A ages")
@violation("uses sed -i", ".ci/x", new=f"{BASH}sed -i 's/a/b/' file")
@violation("uses readlink -f", "scripts/x", new=f'{BASH}cd "$(readlink -f "$0")"')
@violation("uses timeout", "scripts/x", new=f"{BASH}timeout 5 sleep 9")
@violation("expands x, which may", "scripts/x", new=f'{BASH}x=()\necho "${{x[@]}}"')
def scripts_run_on_macos(repository: Repository) -> Iterator[str]:
    """Run on macOS: with bash 3.2, and without GNU's tools.

    That bash takes an empty array for one that is not set: `${x[@]+"${x[@]}"}` is safe.
    """
    for path in [*repository.paths("scripts/*"), *repository.paths(".ci/*")]:
        first, *lines = repository.text(path).splitlines()
        if path == OF_DEBIAN or not first.endswith("bash"):
            continue
        program = [line for line in lines if not line.lstrip().startswith("#")]
        arrays = set(EMPTY_ARRAY.findall("\n".join(program)))
        for line in program:
            for what, pattern in FOREIGN.items():
                if re.search(pattern, line):
                    yield f"{path} uses {what}, which macOS has not: {line}"
            for array in sorted(arrays):
                safe = f'${{{array}[@]+"${{{array}[@]}}"}}'
                if f"${{{array}[@]}}" in line.replace(safe, ""):
                    yield f"{path} expands {array}, which may be empty: {line}"
