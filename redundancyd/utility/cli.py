"""The command line, made from the table of actions; `--help` loads no more than that.

Exit status: 0 done, 1 failed, 2 wrong words, 3 refused, 4 daemon not reached, 5 settings invalid.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from redundancyd import __version__
from redundancyd.actions import Argument, Kind
from redundancyd.client import DEFAULT_SOCKET
from redundancyd.errors import RedundancyError
from redundancyd.utility.words import EXITS, Node, find, option, tree

_INTERRUPTED, _PIPE_CLOSED = 130, 141


class _Group(click.Group):
    """Shows its words in the order of the table."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The words that may follow."""
        return list(self.commands)


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The program; ends with its exit status."""
    sys.exit(run(words))


def run(words: Sequence[str] | None = None) -> int:
    """Do what the words say; the exit status."""
    program = os.path.basename(sys.argv[0]) or "redundancyctl"  # noqa: PTH119 - pathlib costs 10 ms
    root = tree(program=program)
    try:
        status = _commands(root).main(args=words, prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.NoArgsIsHelpError, click.MissingParameter) as error:
        if _on_terminal() and error.ctx is not None:
            return _ask(root, error.ctx)
        error.show()
        _name_the_words(root, error)
        return 2
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.UsageError):
            _name_the_words(root, error)
        return error.exit_code
    except RedundancyError as error:
        from redundancyd.utility.text import plain_lines  # noqa: PLC0415 - `--help` does not need it

        click.echo(plain_lines(f"{program}: {error}"), err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted", err=True)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit is quiet
        return _PIPE_CLOSED
    return status if isinstance(status, int) else 0


def _ask(root: Node, context: click.Context) -> int:
    """Something is missing and somebody is there: a dialog asks for it, with what was given already filled in."""
    from redundancyd.utility import walk  # noqa: PLC0415 - `--help` does not need what it brings

    socket = context.find_root().params.get("socket") or DEFAULT_SOCKET
    given = {name: value for name, value in context.params.items() if value and name != "socket"}
    return walk.dialogs(root, _words_of(context), given, socket)


def _name_the_words(root: Node, error: click.UsageError) -> None:
    """What could have been typed instead of being asked, or in the place of a word that is none."""
    if error.ctx is None:
        return
    node = find(root, _words_of(error.ctx))
    if isinstance(error, click.MissingParameter):
        assert node.action is not None
        click.echo(f"Nobody is there to be asked; for example: {node.action.example}", err=True)
    elif node.children and node.action is None and not isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(f"The words here: {', '.join(child.word for child in node.children)}", err=True)
        if (action := node.children[0].action) is not None and node.children[0].choice is not None:
            click.echo(f"For example: {action.example}", err=True)


def _words_of(context: click.Context) -> tuple[str, ...]:
    words: list[str] = []
    step: click.Context | None = context
    while step is not None and step.parent is not None:
        words.insert(0, step.info_name or "")
        step = step.parent
    return tuple(words)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _commands(root: Node) -> click.Group:
    """All commands, from the tree of words."""
    top = _group(root, params=[_socket_option()])
    click.version_option(__version__, prog_name="redundancyctl", message="%(prog)s %(version)s")(top)
    _fill(top, root)
    return top


def _fill(group: click.Group, node: Node) -> None:
    for child in node.children:
        if not child.children:
            group.add_command(_command(child))
            continue
        below = _group(child) if child.action is None else _showing_group(child)
        _fill(below, child)
        group.add_command(below)


def _group(node: Node, **more: Any) -> click.Group:  # noqa: ANN401 - click's own
    @click.pass_context
    def alone(context: click.Context, /, **_: object) -> None:
        if context.invoked_subcommand is None:
            raise click.exceptions.NoArgsIsHelpError(context)

    return _Group(
        node.word,
        help=node.help,
        short_help=node.summary,
        epilog=None if node.words else EXITS,
        callback=alone,
        invoke_without_command=True,
        context_settings=_HELP,
        **more,
    )


def _showing_group(node: Node) -> click.Group:
    """Shows something by itself, and has words below it: alarms."""
    assert node.action is not None

    @click.pass_context
    def show(context: click.Context, /, **values: object) -> int:
        return 0 if context.invoked_subcommand else _perform(context, node, values)

    return _Group(
        node.word,
        params=[_param(argument) for argument in node.options],
        callback=show,
        invoke_without_command=True,
        help=f"{node.summary}\n\n{node.help}",
        epilog=_example(node),
        context_settings=_HELP,
    )


def _command(node: Node) -> click.Command:
    @click.pass_context
    def perform(context: click.Context, /, **values: object) -> int:
        return _perform(context, node, {**values, **node.fixed})

    return click.Command(
        node.word,
        params=[_param(argument) for argument in node.options],
        callback=perform,
        help=f"{node.summary}\n\n{node.help}",
        short_help=node.summary,
        epilog=_example(node),
        context_settings=_HELP,
    )


def _example(node: Node) -> str:
    return f"\b\nFor example:\n  {node.action.example}" if node.action is not None else ""


def _perform(context: click.Context, node: Node, values: Mapping[str, object]) -> int:
    from redundancyd.utility import commands  # noqa: PLC0415 - `--help` does not need what it brings

    assert node.action is not None
    socket = context.find_root().params["socket"]
    given = {name: value for name, value in values.items() if value not in (None, ())}
    return commands.perform(node.action, given, socket)


def _param(argument: Argument) -> click.Parameter:
    if argument.kind is Kind.FLAG:
        return click.Option([option(argument)], is_flag=True, help=argument.help)
    kind: click.ParamType[str] = click.STRING
    if argument.choices:
        kind = click.Choice([choice.word for choice in argument.choices])
    if argument.bare:
        many = -1 if argument.kind is Kind.NAMES else 1
        return click.Argument(
            [argument.name], type=kind, nargs=many, required=argument.required, metavar=argument.like or None
        )
    return click.Option(
        [option(argument)],
        type=kind,
        required=argument.required,
        multiple=argument.kind is Kind.NAMES,
        metavar=argument.like or None,
        help=argument.help,
    )


def _socket_option() -> click.Option:
    return click.Option(
        ["--socket"], default=DEFAULT_SOCKET, show_default=True, metavar="PATH", help="The daemon's status socket."
    )


_HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

if __name__ == "__main__":
    main()
