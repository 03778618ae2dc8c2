"""An automatic return wants clusters that help themselves: nothing tells their fallback type but the operator."""

from dataclasses import replace

from redundancyd.config import Config
from redundancyd.core.site import Setup
from redundancyd.core.systems import Direction, Method
from redundancyd.requests import Problem, Request, SetMethod

NAME = "fallback"


def _concerns(settings: Config, setup: Setup, request: Request) -> bool:
    if not isinstance(request, SetMethod) or setup.site is None or NAME in setup.site.accepted:
        return False
    is_automatic = request.direction is Direction.PRIMARY_FROM_ALTERNATE and request.method is Method.AUTOMATIC
    return is_automatic and any(entry.standby for entry in settings.primary.lims)


def fallback_refusal(settings: Config, setup: Setup, request: Request) -> Problem | None:
    """Why the return may not become automatic; None when it may, or when something else is asked."""
    if not _concerns(settings, setup, request) or _accepts(request):
        return None
    return Problem(
        "fallback_not_known",
        "the primary has standby servers, and with a manual cluster fallback an automatic return would come too early",
        "Set the fallback type of each cluster of the primary to automatic, and say so: --accept fallback",
    )


def accepting(settings: Config, setup: Setup, request: Request) -> Setup | None:
    """What is to be remembered when the operator says that it is automatic; None when there is nothing."""
    if setup.site is None or not _concerns(settings, setup, request) or not _accepts(request):
        return None
    return replace(setup, site=replace(setup.site, accepted=(*setup.site.accepted, NAME)))


def _accepts(request: Request) -> bool:
    return isinstance(request, SetMethod) and NAME in request.accept
