"""`python -m redundancyd.lab` is `redundancy-lab`."""

import sys

from redundancyd.lab.cli import main

sys.exit(main())
