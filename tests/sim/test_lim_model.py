"""The simulator's LIM against the shell file itself: the same requests, the same answers."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from redundancyd.core.systems import Server, System
from redundancyd.sim import lim as model
from redundancyd.sim.timeline import Timeline
from tests.lim.bed import Lim, a_lim

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

COMPARED = (
    "ok",
    "error",
    "lim",
    "system",
    "traffic",
    "number",
    "word",
    "supervisor",
    "origin",
    "remembered",
    "repairs",
)
US, OTHERS = "id.run", "stranger.run1"

Step = tuple[str, ...]
RUNS: dict[str, tuple[Step, ...]] = {
    "orders": (
        ("status",),
        ("block", "1", US),
        ("allow", "1", US),
        ("allow", "2", US),
        ("allow", "2", US),
        ("block", "1", US),
        ("block", "2", OTHERS),
        ("block", "7", OTHERS),
        ("status",),
        ("allow", "8", US),
        ("status",),
    ),
    "hands": (
        ("by-hand", "allow"),
        ("allow", "3", US),
        ("by-hand", "block"),
        ("status",),
        ("allow", "3", US),
        ("block", "4", US),
        ("by-hand", "allow"),
        ("allow", "4", US),
        ("block", "4", US),
    ),
    "rules changed": (
        ("block", "1", US),
        ("flush",),
        ("status",),
        ("block", "1", US),
        ("insert",),
        ("status",),
        ("hold",),
        ("status",),
        ("flush",),
        ("hold",),
        ("status",),
    ),
    "iptables fails": (
        ("allow", "1", US),
        ("refuse", "block"),
        ("block", "2", US),
        ("allow", "2", US),
        ("status",),
        ("accept", "block"),
        ("block", "2", US),
        ("refuse", "allow"),
        ("allow", "3", US),
        ("status",),
        ("accept", "allow"),
        ("allow", "3", US),
    ),
    "power": (
        ("reboot",),
        ("status",),
        ("allow", "5", US),
        ("reboot",),
        ("status",),
        ("allow", "5", US),
        ("block", "6", US),
        ("reboot",),
        ("allow", "5", US),
        ("status",),
        ("by-hand", "block"),
        ("reboot",),
        ("status",),
    ),
    "a torn state": (
        ("allow", "5", US),
        ("tear",),
        ("reboot",),
        ("status",),
        ("allow", "6", US),
        ("by-hand", "allow"),
        ("status",),
        ("allow", "6", US),
        ("tear",),
        ("status",),
    ),
    "words": (
        ("block", "0", US),
        ("block", "07", US),
        ("allow", "1234567890123", US),
        ("allow", "1", "nobody"),
        ("allow", "1", "a.b.c"),
        ("dance",),
        ("status", "now"),
    ),
}


class Shell:
    """The shell file on a LIM of its own."""

    def __init__(self, lim: Lim) -> None:
        self.lim = lim
        self.put_back: list[str] = []

    def do(self, step: Step) -> dict[str, Any] | None:
        """One step; the reply, where there is one."""
        match step:
            case ("by-hand", word):
                return self.lim.ask(word, "--by-hand")
            case ("flush",):
                self.lim.iptables("-F")
                self.lim.iptables("-X")
            case ("insert",):
                self.lim.iptables("-I INPUT 1 -p udp --dport 5060 -j ACCEPT")
            case ("hold",):
                self.lim.run("hold")
            case ("refuse", word):
                self._refuse(word)
            case ("accept", _):
                self.lim.sh("rm -f /usr/sbin/iptables-nft-restore /usr/sbin/ip6tables-nft-restore")
                for name in ("iptables-nft-restore", "ip6tables-nft-restore"):
                    self.lim.sh(f"ln -s xtables-nft-multi /usr/sbin/{name}")
            case ("tear",):
                self.lim.sh("echo torn > /var/lib/redundancyd/lim/state; rm -f /run/redundancyd-lim/state")
            case ("reboot",):
                self.lim.reboot()
                self.lim.run("boot")
            case words:
                return self.lim.ask(remote=" ".join(words))
        return None

    def _refuse(self, word: str) -> None:
        """A restore with our deny rules is a block; one without is an allow."""
        fails, passes = ("exit 2", "") if word == "block" else ("", "exit 2")
        for name in ("iptables-nft-restore", "ip6tables-nft-restore"):
            text = (
                f'rules=$(cat); case $rules in *"-j REJECT"*) {fails or ":"} ;; *) {passes or ":"} ;; esac; '
                f'printf "%s\\n" "$rules" | exec -a {name} /usr/sbin/xtables-nft-multi "$@"'
            )
            self.lim.sh(f"rm -f /usr/sbin/{name}; printf '%s\\n' '#!/bin/bash' '{text}' > /usr/sbin/{name}")
            self.lim.sh(f"chmod +x /usr/sbin/{name}")


class Model:
    """The simulator's own."""

    def __init__(self) -> None:
        self.lim = model.Lim(Server(System.PRIMARY, 1, "192.0.2.11"), Timeline(), boot_hold_s=180)

    def do(self, step: Step) -> dict[str, Any] | None:
        """The same step."""
        deeds: dict[str, Callable[[], object]] = {
            "flush": self.lim.flush,
            "insert": self.lim.tamper,
            "hold": self.lim.hold,
            "tear": self._tear,
            "reboot": self._reboot,
        }
        match step:
            case ("by-hand", word):
                reply: dict[str, Any] = json.loads(self.lim.by_hand(word))
                return reply
            case ("refuse", word):
                self.lim.refuses.add(word)
            case ("accept", word):
                self.lim.refuses.discard(word)
            case (name,) if name in deeds:
                deeds[name]()
            case words:
                heard: dict[str, Any] = json.loads(self.lim.hear(" ".join(words)))
                return heard
        return None

    def _tear(self) -> None:
        self.lim.tear()
        self.lim.memory = None

    def _reboot(self) -> None:
        self.lim.lose_power()
        self.lim.boot()


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A LIM that was never ordered anything."""
    with a_lim() as made:
        yield Shell(made)


@pytest.mark.parametrize("name", RUNS)
def test_the_model_answers_as_the_shell_file_does(shell: Shell, name: str):
    """
    Every reply to a run of orders, hands, boots and mishaps has the same fields.
    """
    simulated = Model()
    for step in RUNS[name]:
        real, made = shell.do(step), simulated.do(step)
        told = [None if reply is None else {key: reply.get(key) for key in COMPARED} for reply in (real, made)]
        assert told[0] == told[1], step


def test_facts_and_observe_have_the_fields_that_are_read(shell: Shell):
    """
    What the daemon reads of them is there in both, of the same kind.
    """
    for words in (("facts",), ("observe", "127.0.0.1")):
        real, made = shell.do(words), Model().do(words)
        assert real is not None
        assert made is not None
        for key in ("ok", "exchange", "lims", "heard", "address"):
            assert type(real.get(key)) is type(made.get(key)), key
