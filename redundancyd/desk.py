"""What the status socket wants of the daemon; the daemon implements it, and so do tests."""

from typing import Any, Protocol

from redundancyd.actions import Action
from redundancyd.core.state import State
from redundancyd.records import Line, Subscription
from redundancyd.requests import Done, Problem, Request


class Desk(Protocol):
    """The daemon, as the socket sees it.  Nothing here but `act` may wait."""

    def state(self) -> State:
        """The state of the decision now."""

    def status(self) -> dict[str, Any]:
        """The page of `redundancyd.status.status`."""

    def configuration(self) -> dict[str, Any]:
        """The settings in force, without secrets."""

    def mirrors(self) -> list[dict[str, Any]]:
        """The copies of exchange data as they were last looked at, newest first."""

    def records(self, since: int) -> list[Line]:
        """The kept records after this number."""

    def subscribe(self) -> Subscription:
        """Every record from now on."""

    def health(self) -> list[str]:
        """Why the loop is late; nothing when it is not."""

    async def preview(self, request: Request) -> dict[str, Any]:
        """Now, will do, afterwards, of what the core alone can't tell."""

    async def act(self, action: Action, request: Request, who: str) -> Done | Problem:
        """Return once the order is on disk or refused, within a deadline."""
