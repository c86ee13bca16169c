"""`python -m millibar` is the `millibar` command."""

import sys

from millibar.cli import main

sys.exit(main())
