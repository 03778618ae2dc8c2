"""The manual pages, made from what the programs themselves are made from: actions, parser, settings file, help text.

`python -m redundancyd.man_pages share` writes them; a test keeps them equal to the tables.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from redundancyd.errors import ERRORS
from redundancyd.lim import path as of_lim
from redundancyd.program import parser
from redundancyd.utility import menus
from redundancyd.utility.words import Node, option, tree

SETTINGS = Path(__file__).parent.parent / "config" / "redundancyd.toml"
_WORD_OF_LIM = re.compile(r"^  (\S.*?)  +(\S.*)$")
_SETTING = re.compile(r"^#?([a-z_]+) = (.+)$")


def pages() -> dict[str, str]:
    """Every page by its place below share."""
    return {
        "man/man1/redundancyctl.1": _page(redundancyctl(tree())),
        "man/man8/redundancyd.8": _page(redundancyd(parser(), SETTINGS.read_text())),
        "man/man8/redundancy-lim.8": _page(redundancy_lim(_help_of_lim())),
    }


def redundancyctl(root: Node) -> Iterator[str]:
    """The operator's program: dialogs, then every action with its arguments and its example."""
    yield from _head("redundancyctl", 1, root.summary)
    yield from (".B redundancyctl", "[\\-\\-socket PATH]", ".br", ".B redundancyctl", "[\\-\\-socket PATH] WORDS...")
    yield ".SH DESCRIPTION"
    yield _text("Without words on a terminal: dialogs, with the same words as menus, and Help on each.")
    yield _text("With words: the action, without a question unless something is missing or the action asks.")
    yield _text(
        "The program is also called mxone_system_redundancy; as mxone_maintenance it has more_configuration alone."
    )
    yield ".SH DIALOGS"
    yield from _example(menus.KEYS.partition("\n")[2])
    yield ".SH ACTIONS"
    for node in root.every():
        if node.action is not None:
            yield from _action(node)
    yield ".SH OPTIONS"
    yield from _item("--socket PATH", "The daemon's status socket.")
    yield from _item("--version", "Shows the version.")
    yield from _item("--help", "Behind any words: what they do, what they want, and an example.")
    yield from _exits()
    yield from _see("redundancyd(8)", "redundancy-lim(8)")


def redundancyd(words: argparse.ArgumentParser, settings: str) -> Iterator[str]:
    """The daemon: its words, and every setting with what to weigh."""
    yield from _head("redundancyd", 8, words.description or "")
    yield from (".B redundancyd", "[\\-\\-config FILE] [\\-\\-check]")
    yield ".SH DESCRIPTION"
    yield _text(f"{words.description}  It runs on LIM 1 of the alternate system, under systemd.")
    yield _text("SIGHUP reads the settings anew; SIGTERM stops between two effects and leaves the traffic as it is.")
    yield ".SH OPTIONS"
    for action in words._actions:  # noqa: SLF001 - argparse shows its options in no other way
        value = "" if action.nargs == 0 else " " + (action.metavar or "|".join(action.choices or ()))  # type: ignore[operator]
        told = (action.help or "").replace("%(default)s", str(action.default))
        yield from _item(", ".join(action.option_strings) + value, told)
    yield ".SH SETTINGS"
    yield _text("Every setting of the file with its default; redundancyd --check tells every mistake in one.")
    yield from _settings(settings)
    yield from _exits()
    yield ".SH FILES"
    yield from _item("/etc/redundancyd/redundancyd.toml", "The settings.")
    yield from _item("/var/lib/redundancyd", "The goal, what the operator has set, and the mirrors of exchange data.")
    yield from _item("/run/redundancyd/status.sock", "The status socket, for the group of the operators.")
    yield from _see("redundancyctl(1)", "redundancy-lim(8)")


def redundancy_lim(told: str) -> Iterator[str]:
    """The program on every LIM: from its own help text."""
    head, *rest = told.strip().splitlines()
    name, _, summary = head.partition(": ")
    yield from _head(name, 8, summary)
    yield from (f".B {_roff(name)}", "WORD")
    yield ".SH DESCRIPTION"
    yield _text(summary)
    yield ".SH WORDS"
    after: list[str] = []
    for line in rest:
        found = _WORD_OF_LIM.match(line)
        if found is not None:
            yield from _item(found[1], f"{found[2][0].upper()}{found[2][1:]}.")
        elif line.strip() and not line.startswith("  "):
            after.append(line.strip())
    yield ".SH NOTES"
    for paragraph in re.split(r"(?<=\.) (?=[A-Z])", " ".join(after)):
        yield _text(paragraph)
    yield ".SH FILES"
    yield from _item("/etc/redundancyd/lim.conf", "What this LIM is, which services it blocks, and its holds.")
    yield from _item(
        "/var/lib/redundancyd/lim", "The last order and the origin of the present traffic; survives a reboot."
    )
    yield from _see("redundancyctl(1)", "redundancyd(8)")


def _action(node: Node) -> Iterator[str]:
    action = node.action
    assert action is not None
    bare = ["|".join(c.word for c in a.choices) or a.like or a.name for a in node.asked if a.bare]
    yield f".SS {_roff(' '.join([*node.words, *bare]))}"
    yield _text(node.summary)
    yield _text(node.help)
    for argument in node.options:
        typed = (argument.like or argument.name) if argument.bare else option(argument)
        value = f" {argument.like}" if argument.like and not argument.bare else ""
        words = " | ".join(choice.word for choice in argument.choices)
        yield from _item(words or f"{typed}{value}", argument.help)
    yield ".PP"
    yield "For example:"
    yield from _example(f"  {action.example}")


def _settings(text: str) -> Iterator[str]:
    """The comments of the settings file, each with the setting below it."""
    said: list[str] = []
    for line in text.splitlines():
        setting = _SETTING.match(line)
        if line.startswith("["):
            yield f".SS {_roff(line)}"
            said = []
        elif setting is not None:
            value = setting[2] if not setting[2].startswith("[") or setting[2].endswith("]") else "[...]"
            yield from _item(f"{setting[1]} = {value}", " ".join(said))
            said = []
        elif line.startswith("# "):
            said.append(line[2:])
        elif not line:
            said = []


def _exits() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    yield from _item("0", "Done.")
    meant: dict[int, str] = {}
    for error in ERRORS.values():
        meant.setdefault(error.exit_code, (error.__doc__ or "").splitlines()[0])
    for status, told in sorted(meant.items()):
        yield from _item(str(status), told)


def _head(name: str, section: int, summary: str) -> Iterator[str]:
    kind = "User Commands" if section == 1 else "System Administration"
    yield '.\\" Made by redundancyd.man_pages; do not change it here.'
    yield f'.TH {name.upper().replace("-", chr(92) + "-")} {section} "" redundancyd "{kind}"'
    yield ".SH NAME"
    yield f"{_roff(name)} \\- {_roff(summary.rstrip('.'))}"
    yield ".SH SYNOPSIS"


def _see(*others: str) -> Iterator[str]:
    yield ".SH SEE ALSO"
    yield ", ".join(f"\\fB{_roff(name)}\\fP({section})" for name, section in (o.rstrip(")").split("(") for o in others))


def _item(head: str, told: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_roff(head)}"
    yield _roff(told) or "."


def _text(told: str) -> str:
    return f".PP\n{_roff(told)}"


def _example(told: str) -> Iterator[str]:
    yield from (".PP", ".nf")
    yield from (_roff(line) for line in told.splitlines())
    yield ".fi"


def _roff(text: str) -> str:
    """Text that troff shows as it is."""
    told = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{told}" if told.startswith((".", "'")) else told


def _page(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _help_of_lim() -> str:
    return subprocess.run(["/bin/sh", str(of_lim()), "--help"], capture_output=True, text=True, check=True).stdout


def main(folder: str) -> None:
    """Write the pages below this folder."""
    for name, text in pages().items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
