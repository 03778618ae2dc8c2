"""Where a LIM has two servers: which one its data comes from, and that both are given it."""

import asyncio
from typing import Any, cast

import pytest

from redundancyd.adapters.data_in import IntoLim
from redundancyd.adapters.lim_wire import AskLim
from redundancyd.core.systems import Server, System
from redundancyd.data_servers import EXISTS, running, to_all
from redundancyd.errors import FarDataRefused, OutOfReach

A = System.ALTERNATE
ONE, TWO = Server(A, 1, "198.51.100.11"), Server(A, 2, "198.51.100.12")
TWO_STANDBY = Server(A, 2, "198.51.100.22", standby=True)


class FakeLim:
    """Says what its exchange does; None is no answer."""

    def __init__(self, server: Server, exchange: str | None = "running") -> None:
        self.server, self.exchange = server, exchange
        self.asked = 0

    async def ask(self, _: str) -> dict[str, Any]:
        """The facts."""
        self.asked += 1
        if self.exchange is None:
            raise OutOfReach("`facts`", "gone")
        return {"exchange": self.exchange}


@pytest.mark.parametrize(
    ("regular", "standby", "chosen"),
    [
        ("running", "stopped", TWO),
        ("running", "running", TWO),
        ("stopped", "running", TWO_STANDBY),
        (None, "running", TWO_STANDBY),
        (None, None, TWO),
        ("unknown", "unknown", TWO),
    ],
)
async def test_data_comes_from_a_standby_server_only_where_its_lim_runs_there(
    regular: str | None, standby: str | None, chosen: Server
):
    """
    Where nobody knows, it is the regular one that is asked.
    """
    lims = [FakeLim(TWO_STANDBY, standby), FakeLim(TWO, regular), FakeLim(ONE)]
    assert await running(cast("list[AskLim]", lims)) == [ONE, chosen]
    assert lims[2].asked == 0


async def given(*servers: Server, **answers: Exception) -> tuple[list[str], tuple[str, ...]]:
    """Who took it, and who did not; `answers` are what goes wrong, by the server's last number."""
    took: list[str] = []

    async def give(lim: IntoLim) -> None:
        error = answers.get(f"n{lim.server.address.rpartition('.')[2]}")
        if error is not None:
            raise error
        await asyncio.sleep(0.01)
        took.append(lim.server.name)

    lims = cast("list[IntoLim]", [FakeLim(server) for server in servers])
    return took, await to_all(lims, give)


async def test_every_server_is_given_its_part_the_standby_servers_too():
    """
    At once.
    """
    took, failed = await given(ONE, TWO, TWO_STANDBY)
    assert took == ["alternate-1", "alternate-2", "alternate-2-standby"]
    assert failed == ()


@pytest.mark.parametrize("which", ["n12", "n22"])
async def test_one_server_of_a_lim_is_enough_and_the_other_is_told(which: str):
    """
    Whichever of the two it is.
    """
    took, failed = await given(ONE, TWO, TWO_STANDBY, **{which: OutOfReach("`receive`", "gone")})
    assert len(took) == 2
    assert [text.partition(":")[0] for text in failed] == ["alternate-2" if which == "n12" else "alternate-2-standby"]


async def test_a_lim_of_which_no_server_takes_it_ends_all():
    """
    What the first of them said is told.
    """
    with pytest.raises(OutOfReach, match="gone"):
        await given(ONE, TWO, n12=OutOfReach("`receive`", "gone"))
    with pytest.raises(OutOfReach, match="gone"):
        await given(ONE, TWO, TWO_STANDBY, n12=OutOfReach("`receive`", "gone"), n22=FarDataRefused("`receive`", "full"))


async def test_a_stamp_that_exists_on_any_server_is_another_stamp_for_all():
    """
    All servers of a system have the same backups.
    """
    with pytest.raises(FarDataRefused, match="there"):
        await given(ONE, TWO, TWO_STANDBY, n22=FarDataRefused("`receive`", "there", word=EXISTS))
