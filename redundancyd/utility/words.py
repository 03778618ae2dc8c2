"""The table of actions as a tree of words: command line, dialogs, completion and manual pages walk this one.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from redundancyd.actions import ACTIONS, GROUPS, Action, Argument, Choice, Kind

Words = tuple[str, ...]

EXITS = "Exit status: 0 done, 1 failed, 2 wrong words, 3 refused, 4 daemon not reached, 5 settings invalid."
UNDER_THE_NAME: Mapping[str, str] = {"mxone_maintenance": "more_configuration"}
"""What the program offers under a further name, where that is not everything."""

_YES = Argument("yes", Kind.FLAG, "Does not ask.")
_PREVIEW = Argument("preview", Kind.FLAG, "Shows now, will do and afterwards, and does nothing.")
_JSON = Argument("json", Kind.FLAG, "With --preview: as JSON, for programs.")
_NO_WAIT = Argument("no_wait", Kind.FLAG, "Returns as soon as the order is saved, not at the takeover's end.")


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the tree: a group of words, an action, or both."""

    words: Words
    summary: str
    help: str
    action: Action | None = None
    choice: Choice | None = None  # of the action's first argument, which this word tells
    children: tuple["Node", ...] = ()

    @property
    def word(self) -> str:
        """What is typed to come here from above."""
        return self.words[-1] if self.words else "redundancyctl"

    @property
    def fixed(self) -> Mapping[str, str]:
        """The argument that the word itself tells."""
        if self.action is None or self.choice is None:
            return {}
        return {self.action.arguments[0].name: self.choice.value}

    @property
    def asked(self) -> tuple[Argument, ...]:
        """The arguments that are still to be told."""
        assert self.action is not None
        return tuple(argument for argument in self.action.arguments if argument.name not in self.fixed)

    @property
    def options(self) -> tuple[Argument, ...]:
        """What may be typed behind the words: the arguments, and what the command line adds."""
        action = self.action
        if action is None:
            return ()
        added = [_YES] if action.asks else []
        added += [_PREVIEW, _JSON] if action.previewed else []
        added += [_NO_WAIT] if action.followed else []
        return (*self.asked, *added)

    def child(self, word: str) -> "Node | None":
        """The place one word further down."""
        return next((child for child in self.children if child.word == word), None)

    def every(self) -> Iterator["Node"]:
        """This place and all below it."""
        yield self
        for child in self.children:
            yield from child.every()


@dataclass(slots=True)
class _Place:
    """What the table says of one path of words."""

    action: Action | None = None
    next: list[str] = field(default_factory=list)


def tree(
    actions: Sequence[Action] = ACTIONS, groups: Mapping[Words, str] = GROUPS, program: str = "redundancyctl"
) -> Node:
    """The whole, or the part that the program offers under this name."""
    only = UNDER_THE_NAME.get(program)
    places: dict[Words, _Place] = {(): _Place()}
    for action in actions:
        if only is None or action.words[0] == only:
            _enter(places, action)
    return _node((), places, groups)


def option(argument: Argument) -> str:
    """How an argument is typed that is no bare word."""
    return "--" + argument.name.replace("_", "-")


def typed(node: Node, values: Mapping[str, object]) -> list[str]:
    """The words that say the same on the command line."""
    found = list(node.words)
    switches: list[str] = []
    for argument in node.asked:
        value = values.get(argument.name)
        said = [str(each) for each in (value if isinstance(value, list | tuple) else [value])]
        by_value = {choice.value: choice.word for choice in argument.choices}
        if value in (None, False, ()):
            continue
        if argument.bare:
            found += [by_value.get(each, each) for each in said]
        elif argument.kind is Kind.FLAG:
            switches.append(option(argument))
        else:
            switches += [part for each in said for part in (option(argument), by_value.get(each, each))]
    return found + switches


def find(root: Node, words: Words) -> Node:
    """The deepest place that these words lead to."""
    node = root
    for word in words:
        child = node.child(word)
        if child is None:
            break
        node = child
    return node


def _enter(places: dict[Words, _Place], action: Action) -> None:
    for depth, word in enumerate(action.words):
        above = places[action.words[:depth]]
        if word not in above.next:
            above.next.append(word)
        places.setdefault(action.words[: depth + 1], _Place())
    places[action.words].action = action


def _node(words: Words, places: Mapping[Words, _Place], groups: Mapping[Words, str]) -> Node:
    place = places[words]
    action = place.action
    children = tuple(_node((*words, word), places, groups) for word in place.next)
    if action is None:
        return Node(words, groups[words], groups[words], None, None, children)
    first = action.arguments[0] if action.arguments else None
    if children and first is not None and first.bare and first.choices:  # each choice is a word beside the others
        chosen = tuple(_chosen(action, choice) for choice in first.choices)
        return Node(words, groups[words], groups[words], None, None, chosen + children)
    return Node(words, action.summary, action.help, action, None, children)


def _chosen(action: Action, choice: Choice) -> Node:
    return Node((*action.words, choice.word), choice.help, action.help, action, choice)
