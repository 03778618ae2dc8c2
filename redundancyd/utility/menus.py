"""What the dialogs show: menus, forms, texts and their Help, made from the table of actions.  Pure.

Nothing here is about a single action: one appears in the menus by standing in the table.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redundancyd.actions import Argument, Kind
from redundancyd.requests import Mistake
from redundancyd.utility.text import WIDTH, plain, wrapped
from redundancyd.utility.words import Node

Values = Mapping[str, Any]
Page = Mapping[str, Any]

ITSELF = "(show)"  # a word that shows something and has words below it
NOT_SAID = "(none)"
_SHOWN_ALONE = frozenset({"json", "watch", "follow"})  # of the command line; a dialog refreshes by itself
LIVE = frozenset({"watch", "follow"})


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a menu; `key` is what choosing it means."""

    key: str
    label: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """One of several."""

    title: str
    text: str
    items: tuple[Item, ...]
    help: str
    start: str = ""  # the key of the line where one begins


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a form."""

    name: str
    label: str
    help: str
    value: str | bool = ""  # to begin with; yes or no is no text


@dataclass(frozen=True, slots=True)
class Form:
    """What has to be typed."""

    title: str
    text: str
    fields: tuple[Field, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Text:
    """Something to read, and what may be said to it; Escape says the last button."""

    title: str
    text: str
    buttons: tuple[str, ...]
    help: str
    tail: bool = False  # the end is what matters


def title(node: Node) -> str:
    """Where in the words one is."""
    return " > ".join(node.words) or "Redundancy Utility"


def menu(node: Node) -> Menu:
    """The words below a place."""
    items = [Item(ITSELF, ITSELF, node.summary)] if node.action is not None else []
    items += [Item(child.word, child.word, child.summary) for child in node.children]
    return Menu(title(node), node.summary, tuple(items), group_help(node))


def steps(node: Node, given: Values) -> tuple[Argument | tuple[Argument, ...], ...]:
    """What is asked one after the other: each choice in a menu, the rest in one form."""
    open_ = [a for a in node.asked if a.name not in given and a.name not in _SHOWN_ALONE]
    chosen = [argument for argument in open_ if argument.choices or argument.offers]
    typed = tuple(argument for argument in open_ if argument not in chosen)
    return (*chosen, typed) if typed else tuple(chosen)


def is_live(node: Node) -> bool:
    """Whether what it shows is shown anew every second."""
    return any(argument.name in LIVE for argument in node.options)


def choices(node: Node, argument: Argument, said: str = "") -> Menu:
    """The choices of an argument; where there are few, each is a word of the command line."""
    items = tuple(Item(choice.value, choice.word, choice.help) for choice in argument.choices)
    return _choosing(node, argument, items, said)


def offered(node: Node, argument: Argument, page: Page) -> Menu:
    """The values that the daemon knows for an argument."""
    assert argument.offers is not None
    _, name, key = argument.offers
    found = tuple(Item(str(each[key]), plain(each[key]), _told(each, key)) for each in page[name])
    return _choosing(node, argument, found)


def form(node: Node, arguments: Sequence[Argument], before: Values) -> Form:
    """The arguments that are typed; what had been typed before stands there again."""
    fields = tuple(_field(argument, before.get(argument.name)) for argument in arguments)
    return Form(title(node), node.summary, fields, action_help(node))


def values_of(arguments: Sequence[Argument], typed: Mapping[str, str | bool]) -> dict[str, Any]:
    """What was typed into a form, as the command line would have understood it."""
    found: dict[str, Any] = {}
    for argument in arguments:
        given = typed[argument.name]
        if isinstance(given, bool):
            if given:
                found[argument.name] = True
        elif given.strip():
            is_list = argument.kind is Kind.NAMES
            found[argument.name] = tuple(given.replace(",", " ").split()) if is_list else given.strip()
    return found


def mistakes_in(arguments: Sequence[Argument], values: Values) -> tuple[Mistake, ...]:
    """What is missing or misspelled in a form of something that is only shown; orders are checked as a whole."""
    missing = [Mistake(a.name, "is missing") for a in arguments if a.required and a.name not in values]
    spelled = [a for a in arguments if a.pattern and isinstance(values.get(a.name), str)]
    wrong = [Mistake(a.name, a.help) for a in spelled if not re.fullmatch(a.pattern, values[a.name], re.IGNORECASE)]
    return (*missing, *wrong)


def question(node: Node, said: Values) -> Text:
    """The last word before something is done that has no preview, with what was chosen on the way."""
    given = [a.name for a in node.asked if a.kind is not Kind.LINES and said.get(a.name)]
    chosen = [line for name in given for line in wrapped(_as_text(said[name]), f"  {label(name)}: ")]
    lines = [*wrapped(node.summary), *chosen, "", *wrapped(node.help)]
    return Text(title(node), "\n".join(lines), GO_OR_NOT, action_help(node))


def hint_of(node: Node, told: str) -> str:
    """How words of the command line that a refusal names are said here: each has its line in the form."""
    named = [a.name for a in node.asked if not a.bare and f"--{label(a.name)}" in told]
    return "".join(f"Back leads to the form; --{label(name)} is its line '{label(name)}'.  " for name in named).strip()


GO_OR_NOT = ("Go on", "Cancel")

CONTINUED = "    "
"""stands before what goes on on the next line"""
KEYS = """Keys:
  Up, Down, Page Up, Page Down, Home, End   move; long lists and texts scroll
  Enter      chooses; in a form goes to the next line, from the last one on
  Tab        to the buttons and back; Left and Right from button to button
  Space      ticks [ ] in a form, presses a button
  F1 or ?    this Help (in a form F1 alone)
  Escape     one step back; nothing is done
  Ctrl-C     leaves at once; the daemon has an order as a whole, or not at all"""


def group_help(node: Node) -> str:
    """Help on a menu."""
    lines = [*wrapped(node.help), ""]
    if node.action is not None:
        lines += [*wrapped(node.summary, f"  {ITSELF}".ljust(26)), ""]
    for child in node.children:
        lines += wrapped(child.summary, f"  {child.word}".ljust(26))
    typed = " ".join(["redundancyctl", *node.words])
    return "\n".join([*lines, "", "The same by words:", f"  {typed} ...", "", KEYS])


def _typed_whole(words: str) -> str:
    """What is typed, on several lines where one is too short, as a shell takes it."""
    return " \\\n".join(wrapped(words, "  ", CONTINUED, width=WIDTH - len(" \\")))


def action_help(node: Node) -> str:
    """Help on an action: what it does, what it wants to know, and the words that do the same."""
    assert node.action is not None
    lines = [*wrapped(node.summary), "", *wrapped(node.help)]
    if node.asked:
        lines.append("")
    for argument in node.asked:
        if argument.name in _SHOWN_ALONE:
            continue
        lines += wrapped(argument.help, f"  {label(argument.name)}  ".ljust(20))
        for choice in argument.choices:
            lines += wrapped(choice.help, f"    {choice.word}".ljust(28))
    return "\n".join([*lines, "", "The same by words, for example:", _typed_whole(node.action.example), "", KEYS])


def label(name: str) -> str:
    """What an argument is called in front of its line."""
    return name.replace("_", "-")


def _choosing(node: Node, argument: Argument, items: tuple[Item, ...], said: str = "") -> Menu:
    more = () if argument.required else (Item("", NOT_SAID, "Goes on without it."),)
    where = " > ".join(part for part in (title(node), said) if part)
    return Menu(where, argument.help, more + items, action_help(node))


def _field(argument: Argument, before: object) -> Field:
    told = argument.help if argument.required or argument.kind is Kind.FLAG else f"{argument.help}  May be left empty."
    like = f"  As in: {argument.like}" if argument.like and not argument.like.isupper() else ""
    value = bool(before) if argument.kind is Kind.FLAG else _as_text(before)
    return Field(argument.name, label(argument.name), told + like, value)


def _as_text(before: object) -> str:
    return " ".join(before) if isinstance(before, tuple | list) else str(before or "")


def _told(each: Page, key: str) -> str:
    """What else is known of an offered value, in a line."""
    shown = [plain(value) for name, value in each.items() if name != key and isinstance(value, str) and value]
    return ", ".join(dict.fromkeys(shown))
