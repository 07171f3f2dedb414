"""Every row of document.py has its tests, or waits for something that is not there yet."""

import json
import subprocess
import sys
import warnings

from document import TESTED, WAITING
from pombo_server import REPOSITORY

PROMISES = {promise["on"]
            for promise in json.loads((REPOSITORY / "core/wire/ryze.json").read_text())["routes"]}


def rows_with_tests() -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", "--rows",
         REPOSITORY / "tests/e2e"], cwd=REPOSITORY, capture_output=True, text=True)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    return {line.split("\t")[1] for line in listed.stdout.splitlines() if line.startswith("row\t")}


def test_every_row_has_its_tests():
    assert rows_with_tests() == set(TESTED)


def test_no_row_is_there_twice():
    assert not set(TESTED) & set(WAITING)
    sections = {"B": 18, "N": 12, "U": 15, "A": 11, "Q": 6, "R": 15, "M": 6, "X": 10, "W": 5,
                "F": 13}
    assert {f"{section}{number}" for section, count in sections.items()
            for number in range(1, count + 1)} == {
        id for id in {*TESTED, *WAITING} if not id.startswith("K")}


def test_what_rows_wait_for_is_promised_or_told(api):
    for row, what in WAITING.items():
        if "/" not in what:
            continue
        assert what in PROMISES
        method, path = what.split()
        path = path.replace(":instance", "x").replace(":kind", "text")
        if api.call(method, path).status != 501:
            warnings.warn(f"row {row} waits for {what}, which is served now: it wants its tests")
