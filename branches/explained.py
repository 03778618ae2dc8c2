"""Why a branch of the decision may stay unentered: nothing that can happen leads there."""

RULES: dict[str, str] = {
    r"raise AssertionError": "a mistake of ours, which the laws would have to allow first",
    r"def impossible\(": "what the page of the table and its test ask; no step does",
}
"""What coverage leaves out, by a pattern of the line, and the sentence.  One that fits no line fails the run."""

EXPLAINED: dict[str, str] = {
    "decision.step: `if state.asked is not None:` -> `state = replace(state, asked=None)`": (
        "a request that is taken in leads to a row at once, and each of those rows forgets it"
    ),
    "fold._without_goal: `if state.phase is not Phase.ASKING:` -> `return None`": (
        "without a goal there are asking and watching, and watching has been dealt with before"
    ),
    "learn._to_look_at: `if server not in state.settings.servers:` -> `return ()`": (
        "channels are kept to the servers of the settings, and other settings are another life"
    ),
    "learn._answered: `if before is None:` -> `return state`": (
        "only servers of the settings are asked, and other settings are another life"
    ),
}
"""A branch's name, and the sentence.  One that is entered after all, or is not there any more, fails the run."""
