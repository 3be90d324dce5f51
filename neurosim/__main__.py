"""``python -m neurosim``: the same as the command ``neurosim``."""

import sys

from neurosim.cli import main

sys.exit(main())
