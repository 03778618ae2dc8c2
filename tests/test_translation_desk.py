"""What becomes of the table when operators change it, and what they are told."""

from pathlib import Path
from typing import Any

import pytest

from redundancyd import config
from redundancyd.adapters.files import Files
from redundancyd.adapters.slots import SlotFile
from redundancyd.adapters.table_file import SavedTable, TableFile
from redundancyd.core.address_list import Seen
from redundancyd.core.findings import Findings, Kind
from redundancyd.errors import NotSaved, TranslationFailed
from redundancyd.requests import ConfirmAddresses, Done, ImportTable, Problem, SetEntry, TranslationRequest
from redundancyd.translation_desk import TranslationDesk
from tests.test_program import SETTINGS

PRIMARY = config.parse(SETTINGS.replace("FOLDER", "/tmp").encode()).primary
LIM_1 = PRIMARY.lims[0].address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder of a site."""
    return Path(config.parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode()).daemon.state_folder)


@pytest.fixture
def desk(tmp_path: Path, folder: Path) -> TranslationDesk:
    """A desk of a site whose folder is empty."""
    folder.mkdir(exist_ok=True)
    return TranslationDesk(config.parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode()))


def found(*addresses: tuple[Kind, str]) -> Seen:
    """A mirror with these addresses."""
    findings = Findings()
    for kind, address in addresses:
        findings.add(kind, address, "A.D", 1)
    return Seen("20260309031502", "", {1: findings})


async def done(desk: TranslationDesk, request: TranslationRequest) -> str:
    """The answer to what is done."""
    answer = await desk.act(request)
    assert isinstance(answer, Done), answer
    return answer.detail


async def refused(desk: TranslationDesk, request: TranslationRequest) -> Problem:
    """The answer to what is not done; the table is as it was."""
    before = desk.page()
    answer = await desk.act(request)
    assert isinstance(answer, Problem), answer
    await desk.refresh()
    assert desk.page() == before
    return answer


async def test_entries_outlive_the_daemon(desk: TranslationDesk, folder: Path):
    """
    And stand where they were written, with remarks.
    """
    await done(desk, ImportTable(f"# ours\n{LIM_1} 198.51.100.99\n"))
    assert "1 entry" in await done(desk, SetEntry(LIM_1, "198.51.100.11"))
    await done(desk, SetEntry("192.0.2.0/24", "198.51.100.0/24"))
    assert (await TableFile(folder).read()).text == (
        f"# ours\n{LIM_1} -> 198.51.100.11\n192.0.2.0/24 -> 198.51.100.0/24\n"
    )


async def test_an_import_with_mistakes_changes_nothing_and_tells_them_all(desk: TranslationDesk):
    """
    By line; among them one that gives the alternate an address of the primary's LIM.
    """
    await done(desk, SetEntry(LIM_1, "198.51.100.11"))
    problem = await refused(desk, ImportTable(f"# head\n192.0.2.98\n192.0.2.97 {LIM_1}\n192.0.2.96 x\n"))
    assert [mistake.argument for mistake in problem.mistakes] == ["line 2", "line 3", "line 4"]
    assert problem.code == "wrong_table"
    assert problem.remedy


@pytest.mark.parametrize(
    ("old", "new"),
    [("x", "198.51.100.11"), ("192.0.2.11", "::1"), ("192.0.2.0/24", "198.51.100.1"), ("127.0.0.1", "198.51.100.1")],
)
async def test_an_entry_that_makes_no_sense_is_refused(desk: TranslationDesk, old: str, new: str):
    """
    No address, another family, a network for a host, an address that is everybody's.
    """
    assert (await refused(desk, SetEntry(old, new))).mistakes


async def test_who_edits_an_older_table_is_told_and_overwrites_nothing(desk: TranslationDesk):
    """
    Two operators at once: the second one brings both together.
    """
    mark = desk.page()["mark"]
    await done(desk, SetEntry(LIM_1, "198.51.100.11"))
    assert (await refused(desk, ImportTable("", mark))).code == "table_changed"
    await done(desk, ImportTable("# new\n", desk.page()["mark"]))
    assert desk.page()["table"] == "# new\n"


async def test_new_addresses_are_confirmed_by_name_or_all_at_once(desk: TranslationDesk):
    """
    What is not new can't be confirmed; what still holds back a load is told each time.
    """
    assert (await refused(desk, ConfirmAddresses())).code == "no_such_mirror"
    await desk.take(found((Kind.NEW, "203.0.113.9"), (Kind.NEW, "2001:db8:3::9"), (Kind.MISSING, LIM_1)))
    assert "203.0.113.77 is not new" in (await refused(desk, ConfirmAddresses(("203.0.113.77",)))).detail
    assert (await refused(desk, ConfirmAddresses((LIM_1,)))).mistakes
    assert "1 own without an entry, 1 new" in await done(desk, ConfirmAddresses(("2001:DB8:3:0::9",)))
    await done(desk, ConfirmAddresses(("2001:db8:3::9",)))
    assert [each.address for each in desk.unconfirmed()] == ["203.0.113.9"]
    await done(desk, ConfirmAddresses())
    assert desk.unconfirmed() == ()
    assert "is accounted for" in await done(desk, SetEntry(LIM_1, "198.51.100.11"))


async def test_an_address_that_appears_later_is_new_again(desk: TranslationDesk):
    """
    Everything else stays confirmed.
    """
    await desk.take(found((Kind.NEW, "203.0.113.9")))
    await done(desk, ConfirmAddresses())
    await desk.take(found((Kind.NEW, "203.0.113.9"), (Kind.NEW, "203.0.113.8")))
    assert [each.address for each in desk.unconfirmed()] == ["203.0.113.8"]


async def test_files_that_somebody_put_there_count_until_the_first_change(desk: TranslationDesk, folder: Path):
    """
    The change keeps what stands in them.
    """
    (folder / "translation").write_text(f"{LIM_1} 198.51.100.11\n")
    (folder / "translation-confirmed").write_text("203.0.113.9 # router\n")
    assert (await desk.site()).rules.known == {"203.0.113.9"}
    await done(desk, SetEntry("192.0.2.98", "198.51.100.98"))
    (folder / "translation").unlink()
    saved = await TableFile(folder).read()
    assert saved == SavedTable(f"{LIM_1} 198.51.100.11\n192.0.2.98 -> 198.51.100.98\n", frozenset({"203.0.113.9"}))


async def test_a_full_disk_changes_nothing(desk: TranslationDesk, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """
    The older table counts, on the disk and in memory.
    """
    await done(desk, SetEntry(LIM_1, "198.51.100.11"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Files, "put", full)
    assert (await refused(desk, SetEntry(LIM_1, "198.51.100.12"))).code == "not_saved"
    assert (await TableFile(folder).read()).text.endswith(f"{LIM_1} -> 198.51.100.11\n")


async def test_a_table_that_cannot_be_read_is_told_and_an_import_mends_it(desk: TranslationDesk, folder: Path):
    """
    A damaged plain file, or one with mistakes that somebody wrote by hand.
    """
    (folder / "translation").write_bytes(b"\xff\xfe")
    await desk.refresh()
    assert "UTF-8" in desk.unread
    with pytest.raises(TranslationFailed):
        await desk.site()
    assert isinstance(await desk.act(SetEntry(LIM_1, "198.51.100.11")), Problem)
    await done(desk, ImportTable(f"{LIM_1} 198.51.100.11\n"))
    assert desk.unread == ""


async def test_a_table_that_does_not_fit_is_not_saved(folder: Path):
    """
    The slots have a size.
    """
    folder.mkdir(exist_ok=True)
    with pytest.raises(NotSaved):
        await TableFile(folder).save(SavedTable("#" * 2**20))
    assert SlotFile(folder / "translation-table", "translation", 2**19).read() is None


async def test_the_page_shows_each_address_with_where_it_stands(desk: TranslationDesk):
    """
    What programs read, and dialogs.
    """
    await done(desk, SetEntry(LIM_1, "198.51.100.11"))
    await desk.take(found((Kind.TRANSLATED, LIM_1), (Kind.NEW, "203.0.113.9")))
    page: dict[str, Any] = desk.page()
    assert page["mirror"] == "20260309031502"
    assert page["counts"]["new"] == 1
    assert page["addresses"][1] == {
        "address": LIM_1,
        "kind": "translated",
        "becomes": "198.51.100.11",
        "count": 1,
        "places": [{"lim": 1, "file": "A.D", "line": 1}],
    }
