"""Manual pages and completion: made from the table, equal to it, and understood by man, bash and zsh."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from redundancyd import completion, man_pages
from redundancyd.actions import ACTIONS
from redundancyd.completion import places
from redundancyd.utility.words import tree
from tests.house import TOP
from tests.utility.terminal import terminal

SHARE = TOP / "share"
BASH = SHARE / completion.FILES["bash"]
MADE = {**completion.files(), **man_pages.pages()}


@pytest.mark.parametrize("name", MADE)
def test_what_is_delivered_is_what_the_table_says(name: str):
    """
    `python -m redundancyd.completion share` and `python -m redundancyd.man_pages share` write them anew.
    """
    assert (SHARE / name).read_text() == MADE[name]


@pytest.mark.parametrize("name", man_pages.pages())
def test_troff_has_nothing_to_warn_of(name: str):
    """
    Not even of what man leaves unsaid; and whatis finds the name and its sentence.
    """
    page = str(SHARE / name)
    read = subprocess.run(["groff", "-ww", "-man", "-Tascii", "-z", page], capture_output=True, text=True, check=True)
    assert read.stderr == ""
    found = subprocess.run(["lexgrog", page], capture_output=True, text=True, check=True).stdout
    assert f'"{Path(name).stem} - ' in found


@pytest.mark.parametrize("name", man_pages.pages())
def test_man_shows_each_page_without_a_complaint(name: str):
    """
    As an operator would: names, options and examples are there as they are typed.
    """
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(SHARE / name)],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "LC_ALL": "C"},
    )
    assert shown.stderr == ""
    assert "SEE ALSO" in shown.stdout
    if name.endswith("redundancyctl.1"):
        assert [action.example for action in ACTIONS if action.example not in shown.stdout] == []
        assert "--revert-after 15m" in shown.stdout


def completed(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    call = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _redundancyctl; printf "%s\\n" "${COMPREPLY[@]}"'
    script = f'source "$1"; shift; {call}'
    done = subprocess.run(["bash", "-c", script, "bash", str(BASH), *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_words_choices_and_options():
    """
    Values of options are no words; under the name of the maintenance utility only its own word is offered.
    """
    assert completed("redundancyctl", "man") == ["manual-takeover"]
    assert completed("redundancyctl", "settings", "takeover", "") == [
        "alternate-from-primary",
        "primary-from-alternate",
    ]
    assert completed("redundancyctl", "settings", "takeover", "alternate-from-primary", "a") == ["automatic"]
    assert completed("redundancyctl", "--socket", "status", "da") == ["data"]
    assert completed("redundancyctl", "--socket", "da") == []
    assert completed("redundancyctl", "data", "auto", "create", "--") == ["--at", "--help"]
    assert completed("redundancyctl", "inspect", "row", "T07", "--j") == ["--json"]
    assert completed("/opt/bin/mxone_maintenance", "") == ["more_configuration"]
    assert completed("redundancyctl", "more_configuration", "iptables", "add", "--system", "") == [
        "primary",
        "alternate",
    ]
    assert completed("redundancyctl", "settings", "pause", "--for", "") == []


def test_bash_offers_files_where_a_file_is_named_and_nowhere_else(tmp_path: Path):
    """
    Behind the option or the word that wants one.
    """
    (tmp_path / "table.txt").touch()
    start = str(tmp_path / "ta")
    for words in (
        ("settings", "translation", "import"),
        ("settings", "translation", "export"),
        ("configure", "--translation"),
        ("lim", "check", "--identity"),
        ("--socket",),
    ):
        assert completed("redundancyctl", *words, start) == [str(tmp_path / "table.txt")]
    for words in (("status",), ("configure", "--master-ip"), ("lim", "install", "--lim"), ("data", "load")):
        assert completed("redundancyctl", *words, start) == []


def test_bash_offers_at_each_place_what_the_tree_has_there():
    """
    Every place of the tree, words and options.
    """
    found = list(places(tree()))
    assert len(found) > len(ACTIONS)
    for place in found[:: max(1, len(found) // 12)]:
        assert completed("redundancyctl", *place.words, "") == list(place.next)
        assert completed("redundancyctl", *place.words, "--") == list(place.options)


async def test_a_user_of_bash_completes_by_tab(tmp_path: Path):
    """
    In a real bash: a word as far as it is clear, all that could be meant at the second Tab, a file by its name.
    """
    (tmp_path / "table.txt").touch()
    async with terminal(command=("bash", "--norc", "--noprofile", "-i"), env={"PS1": "ready> "}) as screen:
        await screen.see("ready>")
        await screen.press(f"cd {tmp_path}; clear; . {BASH}", "enter")
        await screen.press("redundancyctl set", "tab", "tak", "tab", "p", "tab")
        await screen.see("redundancyctl settings takeover primary-from-alternate")
        await screen.press("tab", "tab")
        await screen.see("automatic  manual")
        await screen.press("au", "tab")
        await screen.see("redundancyctl settings takeover primary-from-alternate automatic")
        await screen.press("ctrl-c", "mxone_system_redundancy settings translation import t", "tab")
        await screen.see("mxone_system_redundancy settings translation import table.txt")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
async def test_zsh_completes_with_the_sentences_of_the_table(tmp_path: Path):
    """
    In a real zsh, by Tab.
    """
    rc = (
        f"fpath=({SHARE / 'zsh/site-functions'} $fpath); autoload -Uz compinit; compinit -u -d {tmp_path}/dump;"
        f"PS1='ready> '; redundancyctl() {{ :; }}; cd {tmp_path}"
    )
    (tmp_path / ".zshrc").write_text(rc)
    env = {"ZDOTDIR": str(tmp_path), "LC_ALL": "C"}
    async with terminal(command=("zsh", "-i"), env=env) as screen:
        await screen.see("ready>")
        await screen.press("redundancyctl settings takeover p", "tab")
        await screen.see("redundancyctl settings takeover primary-from-alternate")
        await screen.press("tab")
        await screen.see("A takeover begins by itself")
        await screen.press("ctrl-c", "redundancyctl settings translation import d", "tab")
        await screen.see("redundancyctl settings translation import dump")
        await screen.press("ctrl-c", "redundancyctl more_configuration iptables add --system p", "tab")
        await screen.see("redundancyctl more_configuration iptables add --system primary")


def test_an_installed_package_has_them_where_they_are_looked_for(tmp_path: Path):
    """
    man, bash and zsh look below share beside the folder of the program.
    """
    built = next(WheelBuilder(str(TOP)).build(directory=str(tmp_path), versions=["standard"]))
    carried = {name.partition(".data/data/share/")[2] for name in zipfile.ZipFile(built).namelist()}
    assert set(MADE) <= carried
