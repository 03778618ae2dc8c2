"""The journal's message id of each kind of event that the catalog explains."""

from collections.abc import Mapping
from types import MappingProxyType

MESSAGE_IDS: Mapping[str, str] = MappingProxyType(
    {
        "daemon_started": "29083f4af4ec4418b283c72d9cd77a32",
        "takeover_decided": "0e983e2f249e4289b92c6034e4d02906",
        "takeover_done": "c6be9714bb8042af82f523d0cbfca526",
        "takeover_undone": "09c6e31903a04868ac2b06692843a890",
        "alarm_raised": "ca3c161f70fe45d7aaca53a15024b4c2",
        "alarm_cleared": "28a885bdcab7417f8e7016837098f905",
        "settings_invalid": "bb878435b5eb44079222b55580e528f3",
    }
)
"""Event name to MESSAGE_ID; `systemd/redundancyd.catalog` has the same ids, with what to do."""
