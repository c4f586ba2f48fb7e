"""`python -m databricks_local`."""

import sys

from databricks_local.cli import main

sys.exit(main())
