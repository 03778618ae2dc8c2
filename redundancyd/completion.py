"""The table of actions as completion of bash and zsh: files of their own, so that Tab starts no Python.  Pure.

`python -m redundancyd.completion share` writes them; a test keeps them equal to the table.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redundancyd.action_kinds import Argument, Kind
from redundancyd.utility.words import UNDER_THE_NAME, Node, option, tree

NAMES = ("redundancyctl", "mxone_system_redundancy", "mxone_maintenance")
FILES = {
    "bash": "bash-completion/completions/redundancyctl",
    "zsh": "zsh/site-functions/_redundancyctl",
}
_EVERYWHERE = {"--help": "Shows help."}
_AT_THE_TOP = {"--socket": "The daemon's status socket.", "--version": "Shows the version."}
_FILES_AT_THE_TOP = ("--socket",)


@dataclass(frozen=True, slots=True)
class Place:
    """What may follow some words: further words, options, each with its sentence; or a file."""

    words: tuple[str, ...]
    next: Mapping[str, str]
    options: Mapping[str, str]
    files: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """The options that a word of their own follows, and what that may be."""

    any: Sequence[str]
    files: Sequence[str]
    words: Mapping[str, Mapping[str, str]]  # few, each with its sentence


def places(root: Node) -> Iterator[Place]:
    """Every place; each choice of an argument is one more word."""
    for node in root.every():
        options = {option(a): a.help for a in node.options if not a.bare}
        options |= _EVERYWHERE if node.words else {**_EVERYWHERE, **_AT_THE_TOP}
        below = {child.word: child.summary for child in node.children}
        bare = [a for a in node.asked if a.bare] if node.action is not None else []
        if any(a.is_file for a in bare):
            yield Place(node.words, below, options, files=True)
        else:
            yield from _chosen(node.words, below, [a for a in bare if a.choices], options)


def _chosen(
    words: tuple[str, ...], below: Mapping[str, str], bare: Sequence[Argument], options: Mapping[str, str]
) -> Iterator[Place]:
    if not bare:
        yield Place(words, below, options)
        return
    first, *rest = bare
    yield Place(words, {**below, **{choice.word: choice.help for choice in first.choices}}, options)
    for choice in first.choices:
        yield from _chosen((*words, choice.word), {}, rest, options)


def values(root: Node) -> Values:
    """What is known of the words behind options; an option of this name means the same wherever it stands."""
    found = {option(a): a for node in root.every() for a in node.options if not a.bare and a.kind is not Kind.FLAG}
    files = {name for name, a in found.items() if a.is_file} | set(_FILES_AT_THE_TOP)
    words = {name: {choice.word: choice.help for choice in a.choices} for name, a in found.items() if a.choices}
    return Values(sorted(found.keys() | files), sorted(files), dict(sorted(words.items())))


def bash(root: Node) -> str:
    """The file for bash."""
    lines = [_HEAD, *_BASH_BEGIN]
    lines += _walk(root, "COMP_WORDS[i]", "i < COMP_CWORD", 1, _known(root))
    lines += ["    local words='' options='' files=''", "    case $place in"]
    for place in places(root):
        told = f"words='{' '.join(place.next)}' options='{' '.join(place.options)}'{_FILES * place.files}"
        lines.append(f"    '{_key(place.words)}') {told} ;;")
    lines += ["    esac", *_only("words", "%s"), *_behind(root, "words='' options='' files=''", _bash_words)]
    lines += [*_BASH_END, f"complete -F _redundancyctl {' '.join(NAMES)}"]
    return "\n".join(lines) + "\n"


def zsh(root: Node) -> str:
    """The file for zsh, with the table's sentences beside the words."""
    lines = [f"#compdef {' '.join(NAMES)}", _HEAD, *_ZSH_BEGIN]
    lines += _walk(root, "words[i]", "i < CURRENT", 2, _known(root))
    lines.append("    case $place in")
    for place in places(root):
        lines.append(f"    '{_key(place.words)}')")
        lines.append(f"        further=({_told(place.next)})")
        lines.append(f"        switches=({_told(place.options)}){_FILES * place.files} ;;")
    lines += ["    esac", *_only("further", "(%s)"), *_behind(root, "further=() switches=() files=''", _zsh_words)]
    lines += _ZSH_END
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Every file by its place below share."""
    root = tree()
    found = {FILES["bash"]: bash(root), FILES["zsh"]: zsh(root)}
    # bash looks for a file of the program's own name, whichever that is.
    further = {
        f"bash-completion/completions/{name}": f'{_HEAD}\n. "${{BASH_SOURCE[0]%/*}}/redundancyctl"\n'
        for name in NAMES[1:]
    }
    return found | further


_HEAD = "# Made from the table of actions by redundancyd.completion; do not change it here."
_FILES = " files=1"
_BASH_BEGIN = [
    "_redundancyctl() {",
    "    local cur=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]##*/} place='' skip='' word i",
]
_BASH_END = [
    "    case $cur in",
    '    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;',
    '    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;',
    "    esac",
    '    if [ -n "$files" ]; then',
    "        compopt -o filenames 2>/dev/null  # a folder goes on with a slash",
    '        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")',
    "    fi",
    "}",
]
_ZSH_BEGIN = [
    "_redundancyctl() {",
    "    local program=${words[1]:t} place='' skip='' files='' word i",
    "    local -a further switches",
]
_ZSH_END = [
    "    if [[ -n $files && $PREFIX != -* ]]; then",
    "        _files",
    "    elif [[ $PREFIX == -* ]]; then",
    "        _describe -o option switches",
    "    else",
    "        _describe command further",
    "    fi",
    "}",
    '_redundancyctl "$@"',
]


def _walk(root: Node, word: str, condition: str, first: int, known: str) -> list[str]:
    """Which place the words before this one lead to; what is neither a word of the tree nor an option is a value."""
    return [
        f"    for ((i = {first}; {condition}; i++)); do",
        f"        word=${{{word}}}",
        "        if [ -n \"$skip\" ]; then skip=''; continue; fi",
        '        case "$place $word" in',
        f'        {known}) place="$place $word" ;;',
        "        *)",
        "            case $word in",
        f"            {' | '.join(values(root).any)}) skip=$word ;;",
        "            esac ;;",
        "        esac",
        "    done",
    ]


def _behind(root: Node, nothing: str, words: Callable[[Mapping[str, str]], str]) -> list[str]:
    """What follows an option that wants a value; nothing where nobody knows."""
    found = values(root)
    return [
        '    if [ -n "$skip" ]; then',
        f"        {nothing}",
        "        case $skip in",
        f"        {' | '.join(found.files)}){_FILES} ;;",
        *(f"        {name}) {words(told)} ;;" for name, told in found.words.items()),
        "        esac",
        "    fi",
    ]


def _bash_words(told: Mapping[str, str]) -> str:
    return f"words='{' '.join(told)}'"


def _zsh_words(told: Mapping[str, str]) -> str:
    return f"further=({_told(told)})"


def _known(root: Node) -> str:
    return " | ".join(f"'{_key(place.words)}'" for place in places(root) if place.words)


def _only(name: str, how: str) -> list[str]:
    """Under a further name of the program only some words are there."""
    lines = ["    case $program:$place in"]
    lines += [f"    {program}:) {name}={how % repr(word)} ;;" for program, word in UNDER_THE_NAME.items()]
    return [*lines, "    esac"]


def _key(words: Sequence[str]) -> str:
    return "".join(f" {word}" for word in words)


def _told(found: Mapping[str, str]) -> str:
    """Words and their sentences, as _describe wants them."""
    each = (f"{word.replace(':', chr(92) + ':')}:{told.rstrip('.')}" for word, told in found.items())
    return " ".join("'" + text.replace("'", "'\\''") + "'" for text in each)


def main(folder: str) -> None:
    """Write the files below this folder."""
    for name, text in files().items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
