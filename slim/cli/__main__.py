"""`python -m slim.cli`: the command line where the `slim` script is not installed."""

import sys

from slim.cli import main

sys.exit(main())
