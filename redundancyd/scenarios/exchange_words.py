"""What a page with `needs exchange-data` may say besides: what happens to exchange data, and what can be seen of it.

Only the lab has exchanges with data; the simulator refuses such a page by name.
"""

from redundancyd.scenarios import copy_words

VERBS = {
    "next-reload": "fails|hangs|SPAN WHERE…: how the next reload of the exchange there ends, or how long it takes",
    "save-backup": "SYSTEM: somebody saves the exchange data there as a new backup (data_backup)",
    "upgrade": "SYSTEM: its exchange, and the data it has, is of a newer version from now on",
    "untranslate": "ADDRESS…: the translation table has no entry for it any more",
    **copy_words.VERBS,
}
FACTS = {
    "runs": "WHERE own|primary|either: every exchange there runs, byte for byte, what its system came with; or the"
    " primary's newest backup of its LIM with the alternate's addresses; or they all run the one or all the other",
    "untouched": "WHERE: not one file of the exchange data there was made, changed or removed but by itself",
    "mirrors": "NUMBER|whole: so many, or any number, on the supervisor's disk, each whole and as in the primary",
    "received": "WHERE nothing|primary: backups that came from outside stand there: none, or one of the primary's data",
    **copy_words.FACTS,
}
