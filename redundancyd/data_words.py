"""What the words by which LIMs refuse mean to a job of exchange data."""

from redundancyd.adapters.pull import MOVED

NOT_BEGUN = frozenset(
    {"accept_failed", "not_configured", "busy", "lock_busy", "not_passive", "wrong_system", "data_info_failed"}
    | {"no_such_backup", "no_folder", "not_saved", "bad_request"}
)
"""Words by which a LIM says that it reloaded nothing"""
MOVING = frozenset({MOVED, "changing", "no_such_backup"})
"""Words by which it is said that the primary makes or removes backups meanwhile"""
NOT_LOADING = frozenset({"nothing_loaded", "bad_request"})
"""Words by which a LIM says that no load was ever begun there"""
ENDED_BADLY = frozenset({"reload_failed", "reload_hangs", "reload_unknown", ""})
"""Words by which a LIM says that what was begun last did not end well, or that nobody knows how"""
