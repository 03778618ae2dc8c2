"""Why a mutant may survive: its damage changes nothing that anybody could notice.  Printed in docs/mutants.md."""

EXPLAINED: dict[str, str] = {
    "T12 (allowing and allowed) does not note that it is done": "the same step looks again, and T36 notes it",
    "heartbeat._missed: without `or heart.isolated`": (
        "an isolation lasts while the control address is silent and k beats were missed, which the other half says too"
    ),
    "learn._with_heart: as if never `heart is state.heart`": "the same heartbeat is put in its own place",
    "learn.learn: as if never `stable is learnt.state`": "the same state is put in its own place",
    "redundancy-lim: IPv6 is wanted where there is none": (
        "no test bed has a kernel without IPv6; there ip6tables fails, and a block would say so and stand"
    ),
    "decision._take: `asked=None` is forgotten": "the end of the step forgets it too, and no row asks in between",
    "takeover.goal_for: System.ALTERNATE for System.PRIMARY (no. 2)": "the same: there always is one",
    "takeover.goal_for: without `or System.PRIMARY`": "what is found is found by the one system that is allowed",
    "seen.contradicts: `status.number > goal.number` with >=": "an equal number has been dealt with two lines before",
}
"""A mutant's name, and the sentence.  One that is noticed after all, or is not there any more, fails the run."""
