"""The fallback type of the primary's clusters: asked of the operator, remembered, and never assumed."""

from redundancyd import config
from redundancyd.core.site import Setup, Site
from redundancyd.core.systems import Direction, Method
from redundancyd.fallback import accepting, fallback_refusal
from redundancyd.requests import Resume, SetMethod
from tests.test_config import SMALLEST

SETUP = Setup(Site("192.0.2.10", ("203.0.113.1",)))
AUTOMATIC = SetMethod(Direction.PRIMARY_FROM_ALTERNATE, Method.AUTOMATIC)
SAID = SetMethod(Direction.PRIMARY_FROM_ALTERNATE, Method.AUTOMATIC, ("fallback",))


def settings(*, clustered: bool) -> config.Config:
    """A site with or without a standby server in the primary."""
    own = '{lim = 1, address = "192.0.2.11"}'
    assert own in SMALLEST
    standby = ', {lim = 1, address = "192.0.2.21", standby = true}'
    return config.parse(SMALLEST.replace(own, own + standby if clustered else own).encode())


def test_an_automatic_return_to_clusters_of_which_nothing_is_known_is_refused_with_the_words_that_say_it():
    """
    The operator says that they fall back automatically, once.
    """
    clustered = settings(clustered=True)
    refused = fallback_refusal(clustered, SETUP, AUTOMATIC)
    assert refused is not None
    assert "--accept fallback" in refused.remedy
    assert fallback_refusal(clustered, SETUP, SAID) is None
    kept = accepting(clustered, SETUP, SAID)
    assert kept is not None
    assert kept.site is not None
    assert kept.site.accepted == ("fallback",)
    assert fallback_refusal(clustered, kept, AUTOMATIC) is None
    assert accepting(clustered, kept, SAID) is None


def test_nothing_is_asked_where_it_does_not_matter():
    """
    No clusters, the other direction, a manual return, another order, a pair of the settings file.
    """
    clustered, plain = settings(clustered=True), settings(clustered=False)
    assert fallback_refusal(plain, SETUP, AUTOMATIC) is None
    assert fallback_refusal(clustered, Setup(), AUTOMATIC) is None
    for request in (
        SetMethod(Direction.ALTERNATE_FROM_PRIMARY, Method.AUTOMATIC),
        SetMethod(Direction.PRIMARY_FROM_ALTERNATE, Method.MANUAL),
        Resume(),
    ):
        assert fallback_refusal(clustered, SETUP, request) is None
        assert accepting(clustered, SETUP, request) is None
