"""Every way in which the socket says no: its word, its HTTP status, its title.  Pages are problem+json (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

from redundancyd.requests import Problem

MEDIA_TYPE = "application/problem+json"
URN = "urn:redundancyd:problem:"

# Words that the socket itself says.
NO_SUCH_PAGE = "no_such_page"
UNKNOWN_ACTION = "unknown_action"
NOT_PREVIEWED = "not_previewed"
WRONG_METHOD = "wrong_method"
BAD_REQUEST = "bad_request"
NOT_JSON = "not_json"
WRONG_ARGUMENTS = "wrong_arguments"
TOO_LARGE = "too_large"
TOO_SLOW = "too_slow"
NO_RIGHT = "no_right"
TOO_MANY = "too_many_connections"
STOPPING = "stopping"
NO_ANSWER = "no_answer"
LOOP_LATE = "loop_late"
NOT_READY_FOR_TAKEOVER = "takeover_would_fail"
FAILED = "failed"

REFUSED_STATUS, REFUSED_TITLE = 409, "The daemon refuses"
"""For every word of the core: not_ready, under_way, foreign_supervisor, nothing_to_confirm..."""

KINDS: Mapping[str, tuple[int, str]] = {
    NO_SUCH_PAGE: (404, "There is no such page"),
    UNKNOWN_ACTION: (404, "There is no such action"),
    NOT_PREVIEWED: (404, "This action has no preview"),
    WRONG_METHOD: (405, "This page does not know that method"),
    BAD_REQUEST: (400, "This is no request"),
    NOT_JSON: (400, "The body is not JSON"),
    WRONG_ARGUMENTS: (400, "The arguments are not understood"),
    TOO_LARGE: (413, "The request is too large"),
    TOO_SLOW: (408, "The request came too slowly"),
    NO_RIGHT: (403, "You may look, but not change"),
    TOO_MANY: (503, "Too many are connected"),
    STOPPING: (503, "The daemon is stopping"),
    NO_ANSWER: (504, "The daemon did not decide in time"),
    LOOP_LATE: (503, "The daemon is late"),
    NOT_READY_FOR_TAKEOVER: (503, "A takeover would not work now"),
    FAILED: (500, "The daemon failed"),
}


def page(problem: Problem, **more: object) -> dict[str, Any]:
    """The page of a problem."""
    status, title = KINDS.get(problem.code, (REFUSED_STATUS, REFUSED_TITLE))
    told: dict[str, Any] = {
        "type": URN + problem.code,
        "title": title,
        "status": status,
        "detail": problem.detail,
        "code": problem.code,
        "remedy": problem.remedy,
    }
    if problem.mistakes:
        told["mistakes"] = [{"argument": mistake.argument, "text": mistake.text} for mistake in problem.mistakes]
    return told | more
