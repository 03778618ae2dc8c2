"""What is found out before `configure`, from LIMs that say anything, by programs that are there or not."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from redundancyd import setup_survey
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.line_rate import line_rate
from redundancyd.adapters.login import Login
from redundancyd.config import parse
from redundancyd.core.manifest import Entry
from redundancyd.core.prerequisite_kinds import Asked
from redundancyd.core.systems import Server, System
from redundancyd.setup_survey import Surveyor
from tests.test_program import SETTINGS

P1 = Server(System.PRIMARY, 1, "192.0.2.11")
STATUS = {"ok": True, "traffic": "allowed", "number": 0, "word": "none", "supervisor": "", "origin": "none"}


class Lim:
    """A LIM that answers each question."""

    def __init__(self, server: Server) -> None:
        self.server, self.connected, self.strange_key = server, True, False
        self.hears_after_s = 0.0

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """As a channel does."""
        assert deadline_ms > 0
        if self.hears_after_s and line.startswith("observe"):
            await asyncio.sleep(self.hears_after_s)
            return json.dumps({"ok": True, "heard": False})
        return json.dumps(STATUS if not question else {"ok": True, "version": "7.8", "heard": True})


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of ssh, where nothing is yet."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin" / "ssh"


async def test_without_ssh_the_survey_ends_and_says_what_is_missing(ssh: Path, tmp_path: Path):
    """
    The rest of it is known all the same.
    """
    assert not ssh.exists()
    settings = parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode())
    channels = cast("Mapping[Server, Channel]", {server: Lim(server) for server in settings.servers()})

    async def ping(addresses: frozenset[str]) -> frozenset[str]:
        return addresses

    found = await Surveyor(settings, Clock(), channels, ping).survey(Asked("192.0.2.10", ("203.0.113.1",)))
    assert "ssh" in found.backup_why
    assert found.master_answers
    assert {facts.version for facts in found.facts.values()} == {"7.8"}


async def test_many_addresses_that_nobody_hears_do_not_outlast_whoever_asks(
    ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Each of them takes the LIM its time; all of them together have one deadline, and then it is not known.
    """
    assert not ssh.exists()
    monkeypatch.setattr(setup_survey, "HEARS_S", 0.1)
    settings = parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode())
    lims = {server: Lim(server) for server in settings.servers()}
    lims[P1].hears_after_s = 0.05

    async def ping(addresses: frozenset[str]) -> frozenset[str]:
        return addresses

    control = tuple(f"203.0.113.{number}" for number in range(1, 41))
    survey = Surveyor(settings, Clock(), cast("Mapping[Server, Channel]", lims), ping).survey
    async with asyncio.timeout(1):
        found = await survey(Asked("192.0.2.10", control))
    assert found.primary_hears is None
    assert len(found.facts) == len(lims)


async def test_a_lim_that_sends_one_endless_line_is_measured_like_any_other(ssh: Path):
    """
    What it says is thrown away; that it is no line ends nothing.
    """
    ssh.write_text("#!/bin/sh\n/bin/dd if=/dev/zero bs=100000 count=20 2> /dev/null\n")
    ssh.chmod(0o755)
    rate = await line_rate(P1, Login("x", "key", "hosts"), "20260309031502", [Entry("a.D", 9, "0" * 64)], Clock())
    assert rate is not None
    assert rate > 0
