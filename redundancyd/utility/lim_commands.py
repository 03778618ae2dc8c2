"""`lim ...` and `more_configuration ...` on a terminal: asks what is missing, shows a line for each LIM.

The work is in lim_setup.py, in this process: the daemon has neither the rights nor the passwords for it.
"""

import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from redundancyd import config as settings
from redundancyd import lim_setup
from redundancyd.action_kinds import Action
from redundancyd.argument_check import values_of
from redundancyd.client import DEFAULT_SOCKET, Client
from redundancyd.core.systems import Server, System
from redundancyd.errors import DaemonNotReached, KeysUnusable, RequestRefused
from redundancyd.lim_setup import Administrator, Answer, KeyFiles, Result, Setup, Shown
from redundancyd.utility import commands
from redundancyd.utility.text import plain, wrapped

SETTINGS = "/etc/redundancyd/redundancyd.toml"
_LABEL = 20

Values = Mapping[str, Any]


def perform(action: Action, values: Values, client: Client) -> int:
    """The exit status of one of these commands."""
    checked = values_of(action, commands.body_of(action, values))
    if isinstance(checked, tuple):
        raise commands.wrong_words(action, checked)
    given = {**values, **checked}
    config = settings.load(given.get("config") or SETTINGS)
    setup = Setup(config, KeyFiles(config))
    return _DOES[action.name](action, given, setup, client)


# ---- lim ------------------------------------------------------------------------------------------------------------


def _key(_: Action, __: Values, setup: Setup, ___: Client) -> int:
    public, made = _ready_key(setup)
    click.echo(public)
    click.echo(f"{lim_setup.fingerprint(public)}  {setup.config.ssh.key}{'  (made now)' if made else ''}")
    return 0


def _ready_key(setup: Setup) -> tuple[str, bool]:
    setup.keys.check_rights()
    return setup.keys.ready_key(lim_setup.comment())


def _install(action: Action, values: Values, setup: Setup, client: Client) -> int:
    chosen = _servers(setup, values.get("lim", ()))
    if values.get("remove"):
        _refuse_while_configured(setup, client, "lim install --remove", "remove")
        _confirm(action, values, f"Take what the supervision needs away from {_names(chosen)}.")
    else:
        _confirm(action, values, f"Put what the supervision needs on {_names(chosen)}.")
    public, _ = _ready_key(setup)
    reached, failed = _reach(values, setup, chosen)
    who = _administrator(values, setup.others(reached))
    work = setup.remove(reached, who) if values.get("remove") else setup.install(reached, who, public)
    return _tell(chosen, [*failed, *_run(work)])


def _check(_: Action, values: Values, setup: Setup, __: Client) -> int:
    chosen = _servers(setup, values.get("lim", ()))
    repair = bool(values.get("repair"))
    public = _ready_key(setup)[0] if repair else setup.keys.public_key()
    if public is None:
        raise KeysUnusable("checking the LIMs", "there is no key yet", "Begin with: redundancyctl lim install")
    reached, failed = _reach(values, setup, chosen)
    who = _administrator(values, setup.others(reached))
    status = _tell(chosen, [*failed, *_run(setup.check(reached, who, public, repair=repair))])
    if status and not repair:
        click.echo("What differs is put right by: redundancyctl lim check --repair")
    return status


def _reach(values: Values, setup: Setup, chosen: Sequence[Server]) -> tuple[list[Server], list[Result]]:
    """Those whose host key is known, after new ones were shown, confirmed and pinned; and what became of the rest."""
    shown, failed = _run(setup.show(chosen))
    failed += setup.refuse_changed(shown, values.get("renewed", ()))
    refused = {result.server for result in failed}
    new = [one for one in shown if not one.is_pinned and one.server not in refused]
    _confirm_keys(new, values.get("fingerprint", ()))
    for one in new:
        setup.keys.pin(one.server, one.key)
    return [server for server in chosen if server not in refused], failed


def _confirm_keys(new: Sequence[Shown], compared: Sequence[str]) -> None:
    """Returns when the operator has compared every host key that is not pinned yet."""
    asked = [one for one in new if one.key.fingerprint not in compared]
    if not asked:
        return
    click.echo(
        "Compare these host keys with what each console shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub):"
    )
    for one in asked:
        click.echo(f"  {one.server.name.ljust(_LABEL)}{one.server.address}")
        click.echo(f"  {''.ljust(_LABEL)}{one.key.kind} {one.key.fingerprint}")
    if not _on_terminal():
        words = " ".join(f"--fingerprint {one.key.fingerprint}" for one in asked)
        raise click.UsageError(f"nobody is there to compare them; when they are right: {words}")
    if not click.confirm("Are they the same?"):
        raise RequestRefused("pinning the host keys", "they were not confirmed", "Nothing was done.")


def _administrator(values: Values, others: Sequence[Server]) -> Administrator | None:
    """Who logs in; the password is asked once and kept in memory only."""
    if not others:
        return None
    name, identity = values.get("admin") or "root", values.get("identity")
    agent = os.environ.get("SSH_AUTH_SOCK")
    password = None
    if values.get("password_stdin"):
        password = sys.stdin.readline().rstrip("\n")
    elif _on_terminal():
        password = getpass.getpass(f"Password of {name} on the LIMs (empty: by key or agent): ") or None
    return Administrator(name, password, identity, agent)


# ---- more_configuration ---------------------------------------------------------------------------------------------


def _add(action: Action, values: Values, setup: Setup, client: Client) -> int:
    return _by_hand(action, values, setup, client, lim_setup.BLOCK)


def _remove(action: Action, values: Values, setup: Setup, client: Client) -> int:
    return _by_hand(action, values, setup, client, lim_setup.ALLOW)


def _by_hand(action: Action, values: Values, setup: Setup, client: Client, words: str) -> int:
    chosen = _where(values, setup)
    if not chosen:
        raise click.UsageError("which traffic: --system primary, --system alternate, or --lim primary-2")
    _refuse_while_configured(setup, client, " ".join(action.words), "manual-takeover, or remove")
    does = "Block" if words == lim_setup.BLOCK else "Allow"
    if words == lim_setup.ALLOW and (values.get("yes") or _on_terminal()):
        for told in _run(setup.beside(chosen)):
            click.echo("\n".join(wrapped(plain(told))))
    _confirm(action, values, f"{does} the endpoint traffic of {_names(chosen)}.")
    return _tell(chosen, _run(setup.by_hand(chosen, words)))


def _traffic(_: Action, values: Values, setup: Setup, __: Client) -> int:
    chosen = _where(values, setup) or list(setup.config.servers())
    return _tell(chosen, _run(setup.by_hand(chosen, lim_setup.STATUS)))


def _where(values: Values, setup: Setup) -> list[Server]:
    """The servers that are meant; none where nothing was said."""
    system, names = values.get("system"), values.get("lim", ())
    if any(name.isdecimal() for name in names):
        if system is None:
            raise click.UsageError("--lim: a number alone needs --system primary or --system alternate beside it")
        names = [f"{system}-{name}" if name.isdecimal() else name for name in names]
    if names:
        return _servers(setup, names)
    return [] if system is None else [server for server in setup.config.servers() if server.system == System(system)]


def _refuse_while_configured(setup: Setup, client: Client, tried: str, instead: str) -> None:
    """RequestRefused while the supervision decides: a daemon has a goal, or a goal waits for its daemon."""
    if client.path == DEFAULT_SOCKET:
        client = Client(setup.config.socket.path)
    why = remedy = ""
    try:
        page = client.get("/v1/status")
    except DaemonNotReached:
        if lim_setup.is_configured(setup.config):
            why = "system redundancy is configured here, although redundancyd does not answer"
    else:
        if page.get("goal") is not None:
            why = "system redundancy is configured, and the supervision decides"
        elif not page.get("configured", True) and _is_setting_up(page["setup"]):
            why, remedy = "a configuration is under way", "Wait for its end, or stop it: redundancyctl remove."
    if why:
        in_need = f"Use '{instead}'; in an emergency, as root on a LIM: redundancy-lim allow --by-hand."
        raise RequestRefused(tried, why, remedy or in_need)


def _is_setting_up(page: Mapping[str, Any]) -> bool:
    """A configuration orders LIMs just now, or is being undone."""
    return bool(page["undoing"]) or page["step"] not in {"resting", "disarming"}


# ---- what all of them need ------------------------------------------------------------------------------------------


def _servers(setup: Setup, names: Iterable[str]) -> list[Server]:
    """The servers of these names, in the order of the settings; all without names."""
    wanted, known = set(names), setup.config.servers()
    if strange := sorted(wanted - {server.name for server in known}):
        raise click.UsageError(f"--lim: {', '.join(strange)}: the settings have {_names(known)}")
    return [server for server in known if not wanted or server.name in wanted]


def _names(servers: Iterable[Server]) -> str:
    return ", ".join(server.name for server in servers)


def _confirm(action: Action, values: Values, does: str) -> None:
    """Returns when the operator wants it."""
    if values.get("yes"):
        return
    if not _on_terminal():
        words = " ".join(action.words)
        raise click.UsageError(f"{words} asks before it does anything, and nobody is there to answer: add --yes.")
    click.echo(does)
    if not click.confirm("Go on?"):
        raise RequestRefused(" ".join(action.words), "it was not wanted", "Nothing was done.")


def _tell(chosen: Sequence[Server], results: Sequence[Result]) -> int:
    """A line for each LIM, in the order of the settings; 0 when nothing is left to be done on any."""
    of = {result.server: result for result in results}
    for server in chosen:
        result = of[server]
        grade = "" if result.answer is Answer.ANSWERED else f"{str(result.answer).upper()}: "
        for line in wrapped(f"{grade}{plain(result.said)}", server.name.ljust(_LABEL), " " * _LABEL):
            click.echo(line)
    return 0 if all(of[server].is_done for server in chosen) else 1


def _run(work: Any) -> Any:  # noqa: ANN401 - what comes out is what went in
    return asyncio.run(work)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


_DOES: Mapping[str, Callable[[Action, Values, Setup, Client], int]] = {
    "lim-install": _install,
    "lim-check": _check,
    "lim-key": _key,
    "more-configuration-iptables-add": _add,
    "more-configuration-iptables-remove": _remove,
    "more-configuration-iptables-status": _traffic,
}
