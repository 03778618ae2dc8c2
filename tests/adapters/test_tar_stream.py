"""Streams of exchange data from a source that may be anybody: what was announced is written, and nothing else."""

import contextlib
import hashlib
import io
import os
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from redundancyd.adapters.tar_stream import unpack
from redundancyd.core.manifest import Entry
from redundancyd.core.paths import quoted
from redundancyd.errors import OutOfReach
from tests.cases import CASES, chances, many_cases

CONTENTS = {"SIROU.D": b"one" * 300, "cql/extension.csv": b"4001,192.0.2.11\n" * 50, "N" * 200 + ".D": b"long"}
OUTSIDE = "outside"


def entry(name: str, body: bytes) -> Entry:
    """A file as a manifest has it."""
    return Entry(quoted(os.fsencode(name)), len(body), hashlib.sha256(body).hexdigest())


ENTRIES = [entry(name, body) for name, body in CONTENTS.items()]


def stream(*more: tarfile.TarInfo, contents: dict[str, bytes] = CONTENTS, body: bytes = b"hostile") -> bytes:
    """A tar stream: these members first, then the files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as made:
        for member in more:
            made.addfile(member, io.BytesIO(body[: member.size]))
        for name, data in contents.items():
            plain = tarfile.TarInfo(f"./{name}")
            plain.size = len(data)
            made.addfile(plain, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    """A member that nobody asked for."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, size
    return made


class Place:
    """A folder to unpack into, and something beside it that has to stay as it is."""

    def __init__(self, folder: Path) -> None:
        self.into = folder / "mirror" / "lim-1"
        self.into.mkdir(parents=True)
        (folder / OUTSIDE).mkdir()
        (folder / OUTSIDE / "secret").write_bytes(b"secret")
        self._folder = folder
        self.before = self.around()

    def around(self) -> dict[str, bytes]:
        """Every name outside of the mirror, with its contents."""
        found = [path for path in self._folder.rglob("*") if not path.is_relative_to(self.into)]
        return {str(path): path.read_bytes() if path.is_file() else b"" for path in found}

    def inside(self) -> dict[str, bytes]:
        """Every plain file in it; a link or anything else is none."""
        found = [path for path in self.into.rglob("*") if path.is_symlink() or not path.is_dir()]
        assert all(path.is_file() and not path.is_symlink() for path in found)
        return {str(path.relative_to(self.into)): path.read_bytes() for path in found}

    def take(self, data: bytes | io.RawIOBase) -> None:
        """Unpack it."""
        source = io.BytesIO(data) if isinstance(data, bytes) else io.BufferedReader(data)
        unpack(source, ENTRIES, self.into, "the files", lambda _: None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty one."""
    return Place(tmp_path)


@pytest.mark.D1
def test_a_stream_brings_what_was_asked_for(place: Place):
    """
    Long names too.
    """
    place.take(stream())
    assert place.inside() == CONTENTS


@pytest.mark.D1
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../outside/secret", "cql/../../../outside/secret", "a\nb", "other.D", "."]
)
def test_a_file_that_nobody_asked_for_is_not_written(place: Place, name: str):
    """
    Absolute, upwards, with a line end in its name, or just another one.
    """
    place.take(stream(member(name, size=7)))
    assert place.inside() == CONTENTS
    assert place.around() == place.before


@pytest.mark.D1
@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE),
        *(tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK, b"?"),
    ],
)
@pytest.mark.parametrize("name", ["./SIROU.D", "./cql"])
def test_what_is_no_plain_file_ends_the_stream(place: Place, kind: bytes, name: str):
    """
    A link out, a device, a pipe, a header of another format: in the place of a file, or of its folder.
    """
    with pytest.raises(OutOfReach, match="is no plain file"):
        place.take(stream(member(name, kind, "../../outside")))
    assert place.inside() == {}
    assert place.around() == place.before


@pytest.mark.D1
def test_a_file_that_is_longer_than_announced_is_cut_and_does_not_pass_for_it(place: Place):
    """
    One byte too many is kept, so that its size already tells.
    """
    place.take(stream(contents={**CONTENTS, "SIROU.D": b"x" * 100_000}))
    assert len(place.inside()["SIROU.D"]) == len(CONTENTS["SIROU.D"]) + 1


class Endless(io.RawIOBase):
    """A beginning, and then something for ever, or nothing more; counts what was read."""

    def __init__(self, beginning: bytes, more: bytes) -> None:
        self._left, self._more = beginning, more
        self.count = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        """As much as is wanted."""
        wanted = len(buffer)
        data = (self._left[:wanted] + self._more * wanted)[:wanted]
        self._left = self._left[wanted:]
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


def header(name: str, kind: bytes, size: int) -> bytes:
    """One block, without what it announces."""
    made = member(name, kind, size=size)
    return made.tobuf(tarfile.GNU_FORMAT)


def endless() -> Iterator[tuple[str, bytes, bytes]]:
    """Streams that never end."""
    yield "a file that grows for ever", header("./SIROU.D", tarfile.REGTYPE, 2**40), b"x"
    yield "another file for ever", header("./other.D", tarfile.REGTYPE, 2**40), b"x"
    yield "a name for ever", header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 2**33), b"x"
    yield "empty files for ever", b"", header("./other.D", tarfile.REGTYPE, 0)
    yield "noise", b"", b"x"
    yield "a header and the end", header("./other.D", tarfile.REGTYPE, 2**60), b""


@pytest.mark.D1
@pytest.mark.parametrize(("what", "beginning", "more"), [pytest.param(*each, id=each[0]) for each in endless()])
def test_a_stream_without_end_is_left(place: Place, what: str, beginning: bytes, more: bytes):
    """
    It is read no further than what was announced allows, and little of it is kept in memory.
    """
    source = Endless(beginning, more)
    tracemalloc.start()
    try:
        with pytest.raises(OutOfReach, match="the stream broke"):
            place.take(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert source.count < 1_200_000, what
    assert peak < 6_000_000
    assert sum(map(len, place.inside().values())) < 2_000
    assert place.around() == place.before


@pytest.mark.D1
@many_cases
def test_no_stream_does_anything_but_write_what_was_announced_or_give_the_error(tmp_path: Path):
    """
    Ten thousand damaged streams: nothing is outside of the folder, no name is new, no file longer than announced.
    """
    place = Place(tmp_path)
    longest = {name: len(body) + 1 for name, body in CONTENTS.items()}
    sound = stream(member("./other.D", size=7))
    blocks = [
        header(name, kind, size)
        for name in ("./SIROU.D", "../../outside/secret", "/etc/passwd", "")
        for kind in (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.CHRTYPE)
        for size in (0, 7, 2**33)
    ]
    refused = 0
    for chance in chances():
        data = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) + 1)
            if chance.random() < 0.5:
                data[at : at + chance.choice((0, 1, 8, 512))] = chance.randbytes(chance.choice((0, 1, 8)))
            else:
                at -= at % 512
                data[at : at + chance.choice((0, 512))] = chance.choice(blocks)
        try:
            place.take(bytes(data))
        except OutOfReach:
            refused += 1
        for name, size in longest.items():
            with contextlib.suppress(FileNotFoundError):
                assert (place.into / name).stat().st_size <= size
                (place.into / name).unlink()  # to write over it would cost a millisecond
    assert set(place.inside()) <= {".incoming-file", "cql/.incoming-file"}  # what stays is looked at in the end
    assert place.around() == place.before
    assert CASES // 10 < refused < CASES
