"""How long the property tests look: `make properties` sets PROPERTIES, and a failure names its PROPERTIES_SEED."""

from __future__ import annotations

import math
import os
import random

import pytest
from django.db import connection

LONG = os.environ.get("PROPERTIES") == "long"
# Other examples in every long run; the same ones in every short run, which must not fail for whoever changed nothing.
SEED = int(os.environ.get("PROPERTIES_SEED") or 0) or (random.SystemRandom().randrange(1, 10**6) if LONG else 1)
# Small enough to be shared out evenly between the cores.
PARTS = 10
EXAMPLES = int(os.environ.get("PROPERTIES_EXAMPLES", "4000" if LONG else "2000"))
# Of CPU, and for each part: several times what it needs, so that a test run ends whatever becomes slow.
SECONDS = math.inf if LONG else 120.0
sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="the machine's database is SQLite in memory")
