"""The manifests of LIMs, and of a whole mirror: sound, torn, and hostile."""

import json
import posixpath
from collections.abc import Iterable
from dataclasses import replace

import pytest

from redundancyd.core import mirror_manifest
from redundancyd.core.manifest import (
    FILE_MAX_BYTES,
    FILES_MAX,
    LIM_MAX_BYTES,
    LINE_MAX_BYTES,
    Entry,
    LimManifest,
    ManifestNotUnderstood,
    parse,
)
from redundancyd.core.paths import DEPTH_MAX, NAME_MAX_BYTES, PATH_MAX_BYTES, quoted, unquoted
from tests.cases import CASES, chances, damage, many_cases

STAMP = "20260309031502"
HASH = "0123456789abcdef" * 4
OTHER_HASH = "f" * 64


def head(**changes: object) -> str:
    """The header line of LIM 2."""
    return json.dumps({"ok": True, "stamp": STAMP, "lim": 2, "folder": f"xdata_2_{STAMP}"} | changes)


def file(path: object, size: object = 10, sha256: object = HASH) -> str:
    """The line of a file."""
    return json.dumps({"path": path, "size_bytes": size, "sha256": sha256})


def end(files: object, size: object, said: object = True) -> str:
    """The line at the end."""
    return json.dumps({"end": said, "files": files, "size_bytes": size})


def of(*files: str) -> LimManifest:
    """What a LIM with these files of ten bytes each says."""
    return parse([head(), *files, end(len(files), 10 * len(files))], lim=2, stamp=STAMP)


SOUND = [head(), file("SIROU.D", 1200), file("cassandra/extension.csv", 0, OTHER_HASH), end(2, 1200)]


@pytest.mark.D1
def test_a_sound_manifest_lists_its_files_by_path():
    """
    Sizes and checksums as the LIM counted them.
    """
    found = parse(reversed_files(SOUND), lim=2, stamp=STAMP)
    assert found == LimManifest(
        2, STAMP, (Entry("SIROU.D", 1200, HASH), Entry("cassandra/extension.csv", 0, OTHER_HASH))
    )
    assert found.size_bytes == 1200


def reversed_files(lines: list[str]) -> Iterable[str]:
    """The same files told in another order."""
    return [lines[0], *reversed(lines[1:-1]), lines[-1]]


def test_bytes_that_cannot_be_printed_have_one_spelling():
    """
    A name in latin-1 and a percent sign come over the wire as %XX, lower or upper case, and mean the same file.
    """
    (entry,) = of(file("V%e4xel 100%25.D")).files
    assert entry.path == "V%E4xel 100%25.D"
    assert unquoted(entry.path) == b"V\xe4xel 100%.D"
    assert entry.name.encode("utf-8", "surrogateescape") == b"V\xe4xel 100%.D"
    (needless,) = of(file("%41.D")).files
    assert needless.path == "A.D"


@pytest.mark.D1
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc/passwd", "begins at the root"),
        ("%2Fetc/passwd", "begins at the root"),
        ("../goal", r"has a part \. or \.\."),
        ("a/%2E%2e/goal", r"has a part \. or \.\."),
        ("a/./b", r"has a part \. or \.\."),
        ("a//b", "has an empty part"),
        ("a/", "has an empty part"),
        ("a%2F%2Fb", "has an empty part"),
        ("", "a file without a path"),
        (None, "a file without a path"),
        (7, "a file without a path"),
        ("a%0Ab", "has a control character"),
        ("a%00", "has a control character"),
        ("a%7f", "has a control character"),
        ("a\nb", "should be written as %XX"),
        ("växel", "should be written as %XX"),
        ("100%", "without two hexadecimal digits"),
        ("100%2x", "without two hexadecimal digits"),
        ("a" * (NAME_MAX_BYTES + 1), f"a part of more than {NAME_MAX_BYTES} bytes"),
        ("/".join(["a" * 250] * 5), f"longer than {PATH_MAX_BYTES} bytes"),
        ("/".join("a" * (DEPTH_MAX + 1)), f"deeper than {DEPTH_MAX} folders"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_by_name(path: object, why: str):
    """
    However it is spelled, nothing outside the LIM's own folder can be named.
    """
    with pytest.raises(ManifestNotUnderstood, match=why):
        of(file(path))


@pytest.mark.D1
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([file("A"), file("A")], "two files of the name 'A'"),
        ([file("A"), file("%41")], "two files of the name 'A'"),
        ([file("A"), file("A/B")], "a file and a folder of one name, at 'A/B'"),
        ([file("A/B"), file("A")], "a file and a folder of one name, at 'A'"),
        ([file("A/B/C"), file("A")], "a file and a folder of one name, at 'A'"),
        ([file("A", -1)], "size of 'A' is -1"),
        ([file("A", True)], "size of 'A' is True"),
        ([file("A", 1.0)], r"size of 'A' is 1\.0"),
        ([file("A", FILE_MAX_BYTES + 1)], f"not 0 to {FILE_MAX_BYTES}"),
        ([file(name, FILE_MAX_BYTES) for name in "ABCDE"], f"more than {LIM_MAX_BYTES} bytes"),
        ([file("A", 1, HASH.upper())], "SHA-256 of 'A'"),
        ([file("A", 1, HASH[:-1])], "SHA-256 of 'A'"),
        ([file("A", 1, HASH + "\n")], "SHA-256 of 'A'"),
        ([file("A", 1, None)], "SHA-256 of 'A' is None"),
        (['{"path":"A","path":"B","size_bytes":1,"sha256":""}'], "no JSON object"),
        (["[]"], "no JSON object"),
        (["[" * 5000], "no JSON object"),
        (["9" * 5000], "no JSON object"),
        ([""], "no JSON object"),
        ([file("A" * LINE_MAX_BYTES)], f"more than {LINE_MAX_BYTES} bytes"),
        ([end(0, 0), file("A")], "something follows the end"),
        ([end(1, 0)], "it ends with files 1, but has 0"),
        ([end(0, 7)], "it ends with size_bytes 7, but has 0"),
        ([end(False, 0)], "it ends with files False"),
        ([end(0, 0, said="yes")], "it ends with end 'yes'"),
        ([], "breaks off after 0 files"),
        ([file("A")], "breaks off after 1 files"),
    ],
)  # fmt: skip
def test_what_is_torn_or_out_of_bounds_is_no_manifest(lines: list[str], why: str):
    """
    It is refused with what is wrong, as soon as the line is seen.
    """
    with pytest.raises(ManifestNotUnderstood, match=why):
        parse([head(), *lines], lim=2, stamp=STAMP)


@pytest.mark.D1
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (head(lim=3), "it is of lim 3, not 2"),
        (head(lim=True), "it is of lim True"),
        (head(stamp="20260308031501"), "it is of stamp '20260308031501'"),
        (head(folder="xdata_1_20260309031502"), "it is of folder"),
        ('{"ok":false,"error":"no such backup"}', "the LIM refused: 'no such backup'"),
        ('{"ok":false}', "it did not say why"),
        (file("A"), "the LIM refused"),
    ],
)
def test_the_manifest_of_another_backup_is_not_taken(line: str, why: str):
    """
    LIM, stamp and folder are the ones that were asked for.
    """
    with pytest.raises(ManifestNotUnderstood, match=why):
        parse([line, file("A"), end(1, 10)], lim=2, stamp=STAMP)


def test_a_manifest_without_end_is_stopped():
    """
    One file more than there may be, and reading ends.
    """
    with pytest.raises(ManifestNotUnderstood, match=f"more than {FILES_MAX} files"):
        parse([head(), *(file(f"F{number}", 0) for number in range(FILES_MAX + 1))], lim=2, stamp=STAMP)


def is_inside(path: str) -> bool:
    """Whether the operating system would keep to the folder."""
    name = unquoted(path).decode("latin-1")
    return not posixpath.isabs(name) and posixpath.normpath(name) == name and name.split("/")[0] != ".."


@pytest.mark.D1
@many_cases
def test_no_lines_give_anything_but_a_sound_manifest_or_the_error():
    """
    Ten thousand damaged manifests: no other error, no path that leads out of its folder, none of them twice.
    """
    refused = 0
    ugly = ("../", "/", "%2e%2E/", "%00", "\\u002e", '"', "\n", "{", "[" * 50, "-", "1e999", "9" * 30, "null", "\ud800")
    for chance in chances():
        lines = damage(chance, "\n".join(SOUND), ugly).split("\n")
        try:
            found = parse(lines, lim=2, stamp=STAMP)
        except ManifestNotUnderstood as error:
            refused += str(error).isprintable()
            continue
        assert all(is_inside(entry.path) for entry in found.files)
        assert len({unquoted(entry.path) for entry in found.files}) == len(found.files)
    assert CASES // 2 < refused < CASES


@many_cases
def test_a_path_is_accepted_only_if_it_stays_in_its_folder():
    """
    Ten thousand paths made of what makes paths dangerous.
    """
    parts = ("..", ".", "/", "a", "B.D", "%2e", "%2F", "%", "%00", "%ff", " ", "~", "\\", "\x7f", "é")
    for chance in chances():
        path = "".join(chance.choices(parts, k=chance.randint(1, 8)))
        try:
            (entry,) = of(file(path)).files
        except ManifestNotUnderstood:
            continue
        assert is_inside(entry.path)
        assert quoted(unquoted(entry.path)) == entry.path


# --- a whole mirror ---


def mirror() -> mirror_manifest.Manifest:
    """Of a primary with two LIMs."""
    first = LimManifest(1, STAMP, (Entry("A.D", 3, HASH), Entry("V%E4xel.D", 7, OTHER_HASH)))
    second = parse(SOUND, lim=2, stamp=STAMP)
    return mirror_manifest.whole("primary", "17.8.1.0.19", STAMP, ("2026-03-09 03:15:02", "CET"), [second, first])


@pytest.mark.D1
def test_the_manifest_of_a_mirror_is_read_back_whole():
    """
    LIMs in the order of their numbers, everything as it was.
    """
    found = mirror_manifest.load(mirror_manifest.dump(mirror()))
    assert found == mirror()
    assert [lim.lim for lim in found.lims] == [1, 2]
    assert found.size_bytes == 1210
    second = found.lim(2)
    assert second is not None
    assert second.files[1].path == "cassandra/extension.csv"
    assert found.lim(3) is None


@pytest.mark.D1
def test_every_changed_byte_of_a_mirrors_manifest_is_noticed():
    """
    Each byte is changed, each is taken out, and it is cut after each.
    """
    data = mirror_manifest.dump(mirror())
    for place in range(len(data)):
        changed = bytes([data[place] ^ 1])
        for damaged in (data[:place] + changed + data[place + 1 :], data[:place] + data[place + 1 :], data[:place]):
            with pytest.raises(ManifestNotUnderstood):
                mirror_manifest.load(damaged)


@pytest.mark.D1
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"size_bytes":3', '"size_bytes":4', "its checksum is not that of its contents"),
        ('"A.D"', '"../A.D"', r"has a part \. or \.\."),
        ('"system":"primary"', '"system":"other"', "there is no system 'other'"),
        ('"stamp":"2026', '"stamp":"x026', "is no stamp"),
        ('"lim":2', '"lim":1', "a LIM twice"),
        ('"lim":2', '"lim":0', "a LIM is not understood: 0"),
        ('"format":1', '"format":2', "no redundancyd mirror of format 1: 2"),
        ('"zone":"CET"', '"zone":7', "its zone is 7"),
    ],
)
def test_what_is_wrong_with_a_mirrors_manifest_is_said(old: str, new: str, why: str):
    """
    Somebody edited it.
    """
    data = mirror_manifest.dump(mirror()).decode()
    assert old in data
    with pytest.raises(ManifestNotUnderstood, match=why):
        mirror_manifest.load(data.replace(old, new, 1).encode())


def test_a_mirror_without_lims_is_none():
    """
    Nothing of nothing could be whole.
    """
    with pytest.raises(ManifestNotUnderstood, match="no LIMs"):
        mirror_manifest.whole("primary", "17.8.1.0.19", STAMP, ("", ""), [])
    with pytest.raises(ManifestNotUnderstood, match="no LIMs"):
        mirror_manifest.load(mirror_manifest.dump(replace(mirror(), lims=())))
