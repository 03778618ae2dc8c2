"""The table of errors."""

import pytest

from redundancyd import errors
from redundancyd.errors import ERRORS, RedundancyError, SettingsInvalid


def test_every_error_is_in_the_table_under_a_code_of_its_own():
    """
    A class that is missing there, or two of one code, would be told as another error.
    """
    classes = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, RedundancyError)}
    assert set(ERRORS.values()) == classes
    assert len(ERRORS) == len(classes)


@pytest.mark.parametrize(
    ("code", "status"),
    [("failed", 1), ("wrong_words", 2), ("refused", 3), ("daemon_not_reached", 4), ("settings_invalid", 5)],
)
def test_each_exit_status_has_its_meaning(code: str, status: int):
    """
    The statuses that scripts rely on.
    """
    assert ERRORS[code].exit_code == status


def test_a_message_says_what_was_tried_what_came_back_and_what_to_do():
    """
    In this order, as sentences.
    """
    assert str(RedundancyError("saving the goal", "no space left.", "Run df.")) == (
        "saving the goal: no space left. Run df."
    )
    assert str(SettingsInvalid("x.toml", ("line 1: a", "line 2: b"))) == (
        "settings x.toml: 2 mistakes\n  line 1: a\n  line 2: b."
    )
