"""Libraries that are no good: each is refused before its code runs, by its name and with the reason.

Those that could be opened at all would end the process that opens them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import zoo
from client import Api, assert_refused
from pombo_server import Server, default_binary
from shapes import GROUPS
from test_blocks import STALE_ABI, our_abi

NOT_A_LIBRARY = "not a library, so not a block"
NO_SECTION = "no .pombo section, so not a block"
CUT = "the file is cut short"


def broken_files(good: bytes) -> dict[str, tuple[bytes, str]]:
    """By the name of the block: what its library holds, and what is wrong with that."""
    def patched(offset: int, value: int) -> bytes:
        return good[:offset] + bytes([value]) + good[offset + 1:]

    plain = (default_binary().parent / "tests/power_loss.so").read_bytes()
    cuts = [10, 64, 4096, len(good) // 2, len(good) - 64, len(good) - 1]
    return {
        "empty": (b"", NOT_A_LIBRARY),
        "text": (b"blocks are libraries\n", NOT_A_LIBRARY),
        "zeros": (b"\0" * 100_000, NOT_A_LIBRARY),
        "plain": (plain, NO_SECTION),
        "narrow": (patched(4, 1), "a 32-bit library, this gateway needs 64-bit ones"),
        "foreign": (patched(18, 21),  # e_machine: 64-bit PowerPC
                    re.compile(r"a library for machine 21, this gateway needs one for \S+")),
    } | {f"cut{size}": (good[:size], CUT) for size in cuts}


BUILT = {
    "unmarked": NO_SECTION,
    "misnamed": 'name is "othername", its file\'s is "misnamed"',
    "stale": re.compile(f'abi is "{re.escape(STALE_ABI)}", this gateway needs ".*"'),
    "unresolved": "undefined symbol: pombo_no_such_function",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory, external_blocks, bad_blocks) -> dict[str, tuple[Path, object]]:
    """By the name of the block: its library, and the reason."""
    folder = tmp_path_factory.mktemp("broken")
    all_of_them = {name: (bad_blocks / f"{name}.so", reason) for name, reason in BUILT.items()}
    for name, (content, reason) in broken_files((external_blocks / "greeter.so").read_bytes()).items():
        library = folder / f"{name}.so"
        library.write_bytes(content)
        all_of_them[name] = (library, reason)
    return all_of_them


@pytest.fixture(scope="module", params=zoo.ISOLATIONS)
def isolation(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(tmp_path_factory, external_blocks, bad_blocks, refused, isolation):
    folder = tmp_path_factory.mktemp("zoo")
    paths = [external_blocks, bad_blocks, refused["empty"][0].parent]
    config = zoo.config(folder, paths, {name: {} for name in refused}, isolation)
    with Server(data_dir=folder, config=config) as started:
        yield started


def fits(text: str, library: Path, reason) -> bool:
    """Whether that is all it says, but for where the library was opened."""
    around, names_it, after = text.partition(f"{library}: ")
    return bool(names_it) and around in ("", f"The {library.stem} block did not load: ") and bool(
        after == reason if isinstance(reason, str) else reason.fullmatch(after))


def test_each_is_refused_and_told_of(server, refused):
    for name, (library, reason) in refused.items():
        [line] = zoo.lines_of(server, "Block not loaded", block=name)
        assert fits(line["reason"], library, reason), line


def test_whoever_asks_before_is_told_the_same(server, refused):
    for library, reason in refused.values():
        done = server.run("plugin", "check", str(library))
        assert done.returncode == 1
        assert "\nok\n" not in done.stdout
        assert done.stderr.startswith("pombo: ")
        assert fits(done.stderr.removeprefix("pombo: ").rstrip("\n"), library, reason), done.stderr


def test_so_says_the_list(server, refused):
    rows = server.run("plugin", "list").stdout.splitlines()
    for name, (library, reason) in refused.items():
        if name == "unresolved":
            continue  # its file is in order; what it lacks is seen when it is opened
        [row] = [row for row in rows if row.startswith(name + " ")]
        _, _, state, _, _, told = row.split(maxsplit=5)
        assert state == "refused" and fits(told, library, reason), row


def test_everything_else_works(server, api, refused, fresh):
    wanted = {f"{name}Enabled": True for name in refused}
    instance = api.created(fresh(), **zoo.GOOD, **wanted)
    for name in refused:
        assert instance[name] == zoo.not_loaded(name)
    zoo.assert_others_work(api, instance)
    [listed] = api.listed(f"?instanceName={instance['name']}")
    assert listed["webhook"] == GROUPS["webhook"][1]
    assert api.delete(instance["name"]).status == 200


def test_a_library_that_ends_whoever_opens_it(server, bad_blocks):
    library = bad_blocks / "aborting.so"
    done = server.run("plugin", "check", str(library))
    assert (done.returncode, done.stderr) == \
        (1, f"pombo: {library}: The aborting block was killed by signal 6\n")
    assert done.stdout == f"block   aborting\nversion 1.0.0\nabi     {our_abi(server)}\n"


NOT_MADE = {"stillborn": "not made: Stillborn cannot be made", "undeclared": "not a std::exception"}


def test_blocks_that_do_not_come_to_be(tmp_path, external_blocks, bad_blocks, isolation):
    blocks = {"stillborn": {}, "undeclared": {}, "unstartable": {}}
    config = zoo.config(tmp_path, [external_blocks, bad_blocks], blocks, isolation)
    with Server(data_dir=tmp_path, config=config) as server:
        for name in ("stillborn", "undeclared"):
            [line] = zoo.lines_of(server, "Block not loaded", block=name)
            assert fits(line["reason"], bad_blocks / f"{name}.so", NOT_MADE[name])
        [line] = zoo.lines_of(server, "Block did not start")
        assert (line["block"], line["reason"]) == ("unstartable", "Unstartable will not start")
        api = Api(server, server.account("shop"))
        instance = api.created("x", **zoo.GOOD, **{f"{name}Enabled": True for name in blocks})
        for name in blocks:
            assert instance[name] == zoo.not_loaded(name)
        zoo.assert_others_work(api, instance)
        # What it declared before it fell is not served.
        assert_refused(api.get("/api/unstartable/x"), 404, "Not found")


@pytest.mark.parametrize("name", NOT_MADE)
def test_whoever_asks_before_hears_of_those(server, bad_blocks, name):
    library = bad_blocks / f"{name}.so"
    done = server.run("plugin", "check", str(library))
    assert done.returncode == 1
    assert fits(done.stderr.removeprefix("pombo: ").rstrip("\n"), library, NOT_MADE[name])
