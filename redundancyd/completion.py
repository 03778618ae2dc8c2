"""The table of actions as completion of bash and zsh: files of their own, so that Tab starts no Python.  Pure.

`python -m redundancyd.completion share` writes them; a test keeps them equal to the table.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
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
_WITH_VALUE_AT_THE_TOP = ("--socket",)


@dataclass(frozen=True, slots=True)
class Place:
    """What may follow some words: further words, options, each with its sentence."""

    words: tuple[str, ...]
    next: Mapping[str, str]
    options: Mapping[str, str]


def places(root: Node) -> Iterator[Place]:
    """Every place; each choice of an argument is one more word."""
    for node in root.every():
        options = {option(a): a.help for a in node.options if not a.bare}
        options |= _EVERYWHERE if node.words else {**_EVERYWHERE, **_AT_THE_TOP}
        below = {child.word: child.summary for child in node.children}
        bare = [a for a in node.asked if a.bare and a.choices] if node.action is not None else []
        yield from _chosen(node.words, below, bare, options)


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


def with_value(root: Node) -> list[str]:
    """The options that a word of its own follows."""
    found = {option(a) for node in root.every() for a in node.options if not a.bare and a.kind is not Kind.FLAG}
    return sorted(found | set(_WITH_VALUE_AT_THE_TOP))


def bash(root: Node) -> str:
    """The file for bash."""
    lines = [_HEAD, *_BASH_BEGIN]
    lines += _walk(root, "COMP_WORDS[i]", "i < COMP_CWORD", 1, _known(root))
    lines += ["    local words='' options=''", "    case $place in"]
    for place in places(root):
        told = f"words='{' '.join(place.next)}' options='{' '.join(place.options)}'"
        lines.append(f"    '{_key(place.words)}') {told} ;;")
    lines += ["    esac", *_only("words", "%s"), *_BASH_END, f"complete -F _redundancyctl {' '.join(NAMES)}"]
    return "\n".join(lines) + "\n"


def zsh(root: Node) -> str:
    """The file for zsh, with the table's sentences beside the words."""
    lines = [f"#compdef {' '.join(NAMES)}", _HEAD, *_ZSH_BEGIN]
    lines += _walk(root, "words[i]", "i < CURRENT", 2, _known(root))
    lines.append("    case $place in")
    for place in places(root):
        lines.append(f"    '{_key(place.words)}')")
        lines += [f"        further=({_told(place.next)})", f"        switches=({_told(place.options)}) ;;"]
    lines += ["    esac", *_only("further", "(%s)"), *_ZSH_END]
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
_BASH_BEGIN = [
    "_redundancyctl() {",
    "    local cur=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]##*/} place='' skip='' word i",
]
_BASH_END = [
    "    case $cur in",
    '    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;',
    '    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;',
    "    esac",
    '    if [ -n "$skip" ]; then COMPREPLY=(); fi',
    "}",
]
_ZSH_BEGIN = [
    "_redundancyctl() {",
    "    local program=${words[1]:t} place='' skip='' word i",
    "    local -a further switches",
]
_ZSH_END = [
    "    if [[ -n $skip ]]; then return 1; fi",
    "    if [[ $PREFIX == -* ]]; then",
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
        f"            {' | '.join(with_value(root))}) skip=1 ;;",
        "            esac ;;",
        "        esac",
        "    done",
    ]


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
