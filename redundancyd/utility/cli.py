"""The command line, made from the table of actions; `--help` loads no more than that.

Exit status: 0 done, 1 failed, 2 wrong words, 3 refused, 4 daemon not reached, 5 settings invalid.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from redundancyd import __version__
from redundancyd.actions import ACTIONS, GROUPS, Action, Argument, Kind
from redundancyd.client import DEFAULT_SOCKET
from redundancyd.errors import RedundancyError

Words = tuple[str, ...]
EXITS = "Exit status: 0 done, 1 failed, 2 wrong words, 3 refused, 4 daemon not reached, 5 settings invalid."
_INTERRUPTED, _PIPE_CLOSED = 130, 141
_YES = Argument("yes", Kind.FLAG, "Does not ask.")
_PREVIEW = Argument("preview", Kind.FLAG, "Shows now, will do and afterwards, and does nothing.")
_JSON = Argument("json", Kind.FLAG, "With --preview: as JSON, for programs.")
_NO_WAIT = Argument("no_wait", Kind.FLAG, "Returns as soon as the order is saved, not at the takeover's end.")


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
    try:
        status = tree().main(args=words, prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RedundancyError as error:
        click.echo(f"{program}: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted", err=True)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit is quiet
        return _PIPE_CLOSED
    return status if isinstance(status, int) else 0


def tree() -> click.Group:
    """All commands, from the table."""
    top = _group((), params=[_socket_option()], callback=lambda **_: None)
    click.version_option(__version__, prog_name="redundancyctl", message="%(prog)s %(version)s")(top)
    groups: dict[Words, click.Group] = {(): top}
    paths = {action.words for action in ACTIONS}
    for action in ACTIONS:
        parent = _parent(groups, action.words[:-1])
        if not any(path[:-1] == action.words for path in paths):
            parent.add_command(_command(action, action.words[-1]))
        elif action.arguments and action.arguments[0].bare:  # manual-takeover: each choice is a word beside `confirm`
            group = _parent(groups, action.words)
            for choice in action.arguments[0].choices:
                fixed = {action.arguments[0].name: choice.value}
                group.add_command(_command(action, choice.word, fixed, choice.help))
        else:  # alarms: shows something by itself, and has words below it
            groups[action.words] = _showing_group(action)
            parent.add_command(groups[action.words])
    return top


def _parent(groups: dict[Words, click.Group], words: Words) -> click.Group:
    if words not in groups:
        groups[words] = _group(words)
        _parent(groups, words[:-1]).add_command(groups[words])
    return groups[words]


def _group(words: Words, **more: Any) -> click.Group:  # noqa: ANN401 - click's own
    name = words[-1] if words else "redundancyctl"
    epilog = EXITS if not words else None
    return _Group(
        name,
        help=GROUPS[words],
        short_help=GROUPS[words],
        epilog=epilog,
        no_args_is_help=True,
        context_settings=_HELP,
        **more,
    )


def _showing_group(action: Action) -> click.Group:
    params = [_param(argument) for argument in action.arguments]

    @click.pass_context
    def show(context: click.Context, /, **values: object) -> int:
        return 0 if context.invoked_subcommand else _perform(context, action, values)

    return _Group(
        action.words[-1],
        params=params,
        callback=show,
        invoke_without_command=True,
        help=f"{action.summary}\n\n{action.help}",
        context_settings=_HELP,
    )


def _command(action: Action, word: str, fixed: Mapping[str, str] | None = None, said: str = "") -> click.Command:
    """One command; `fixed` arguments are told by its own word."""
    fixed = fixed or {}
    arguments = [argument for argument in action.arguments if argument.name not in fixed]
    arguments += [_YES] if action.asks else []
    arguments += [_PREVIEW, _JSON] if action.previewed else []
    arguments += [_NO_WAIT] if action.followed else []

    @click.pass_context
    def perform(context: click.Context, /, **values: object) -> int:
        return _perform(context, action, {**values, **fixed})

    return click.Command(
        word,
        params=[_param(argument) for argument in arguments],
        callback=perform,
        help=f"{said or action.summary}\n\n{action.help}",
        short_help=said or action.summary,
        epilog=f"\b\nFor example:\n  {action.example}",
        context_settings=_HELP,
    )


def _perform(context: click.Context, action: Action, values: Mapping[str, object]) -> int:
    from redundancyd.utility import commands  # noqa: PLC0415 - `--help` does not need what it brings

    socket = context.find_root().params["socket"]
    given = {name: value for name, value in values.items() if value not in (None, ())}
    return commands.perform(action, given, socket)


def _param(argument: Argument) -> click.Parameter:
    if argument.kind is Kind.FLAG:
        return click.Option([_option(argument)], is_flag=True, help=argument.help)
    kind: click.ParamType[str] = click.STRING
    if argument.choices:
        kind = click.Choice([choice.word for choice in argument.choices])
    if argument.bare:
        many = -1 if argument.kind is Kind.NAMES else 1
        return click.Argument(
            [argument.name], type=kind, nargs=many, required=argument.required, metavar=argument.like or None
        )
    return click.Option(
        [_option(argument)],
        type=kind,
        required=argument.required,
        multiple=argument.kind is Kind.NAMES,
        metavar=argument.like or None,
        help=argument.help,
    )


def _option(argument: Argument) -> str:
    return "--" + argument.name.replace("_", "-")


def _socket_option() -> click.Option:
    return click.Option(
        ["--socket"], default=DEFAULT_SOCKET, show_default=True, metavar="PATH", help="The daemon's status socket."
    )


_HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

if __name__ == "__main__":
    main()
