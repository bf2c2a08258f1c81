"""Rules for scripts/: they run on macOS as well, whose bash is of 2007 and whose tools are not GNU's."""

from collections.abc import Iterator
import re

from tests.metadata.repository import Repository

# Of Debian, and run nowhere else.
OF_DEBIAN = "scripts/python-from-debian"

# What bash 3.2 does not know, and what the tools of macOS do not.
FOREIGN = {
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
_EMPTY_ARRAY = re.compile(r"^\s*(?:local )?(\w+)=\(\)", re.MULTILINE)


def scripts_run_on_macos(repository: Repository) -> Iterator[str]:
    """No script asks for what only Linux has, or a bash that is newer than that of macOS."""
    for name, lines in _scripts(repository):
        for number, line in lines:
            for what, pattern in FOREIGN.items():
                if re.search(pattern, line):
                    yield f"{name}:{number} uses {what}, which macOS has not"


def scripts_expand_empty_arrays(repository: Repository) -> Iterator[str]:
    """An array that may be empty is expanded as `${x[@]+"${x[@]}"}`: bash 3.2 takes it for one that is not set."""
    for name, lines in _scripts(repository):
        text = "\n".join(line for _, line in lines)
        for array in set(_EMPTY_ARRAY.findall(text)):
            safe = f'${{{array}[@]+"${{{array}[@]}}"}}'
            for number, line in lines:
                if f"${{{array}[@]}}" in line.replace(safe, ""):
                    yield f"{name}:{number} expands {array}, which may be empty"


def _scripts(repository: Repository) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield every script of bash, with its lines that are no comments."""
    for folder in ("scripts", ".ci"):
        for path in sorted((repository.root / folder).iterdir()):
            name = repository.name(path)
            if not path.is_file() or name == OF_DEBIAN:
                continue
            first, *lines = path.read_text("utf-8").splitlines()
            if first.endswith("bash"):
                yield (
                    name,
                    [
                        (number, line)
                        for number, line in enumerate(lines, start=2)
                        if not line.lstrip().startswith("#")
                    ],
                )
