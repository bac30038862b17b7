"""`python -m hw`."""

import sys

from hw.cli import main

sys.exit(main())
