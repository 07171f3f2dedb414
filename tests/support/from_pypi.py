"""Imported first, it lets a test import what `scripts/setup test` has installed from PyPI."""

import site
from pathlib import Path

for packages in (Path(__file__).resolve().parents[2] / "build/python/lib").glob("*/site-packages"):
    site.addsitedir(str(packages))
