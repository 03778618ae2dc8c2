"""What the status socket wants of the daemon; the daemon implements it, and so do tests."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from redundancyd.actions import Action
from redundancyd.core.state import State
from redundancyd.records import Line, Subscription
from redundancyd.requests import Done, Problem, Request
from redundancyd.status import without_secrets


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

    def translation(self) -> dict[str, Any]:
        """The translation table, and the addresses of the newest mirror."""

    def records(self, since: int) -> list[Line]:
        """The kept records after this number."""

    def subscribe(self) -> Subscription:
        """Every record from now on."""

    def health(self) -> list[str]:
        """Why the loop is late; nothing when it is not."""

    async def act(self, action: Action, request: Request, who: str) -> Done | Problem:
        """Return once the order is on disk or refused, within a deadline."""


PAGES: Mapping[str, Callable[[Desk], object]] = {
    "/v1/status": lambda desk: desk.status(),
    "/v1/alarms": lambda desk: {"alarms": desk.status()["alarms"]},
    "/v1/mirrors": lambda desk: {"mirrors": desk.mirrors()},
    "/v1/translation": lambda desk: desk.translation(),
    "/v1/configuration": lambda desk: without_secrets(desk.configuration()),
}
"""The pages of the socket that are there for the asking."""
