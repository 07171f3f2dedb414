"""Blocks that have forgotten one check: tests/e2e/test_messages_tenants.py has to find each out.

The check is a text of SQL within the library, so nothing is compiled: another text of the same
length takes its place.
"""

from __future__ import annotations

from pathlib import Path

# By name: the library, the text that stands in it, what takes the place of a part of that, and what
# the test then has to say. Values are still as many: each has its place in the statement.
BLOCK_MUTANTS = {
    "stored_message": (
        "messages.so", b" FROM messages_kept WHERE instance_id = :i AND id = :id ORDER BY ",
        b"instance_id = :i", b":i > ''", "instead of 400"),
    "edited_message": (
        "messages.so", b"ELSE :at END WHERE instance_id = :i AND id = :id AND chat = :chat\0",
        b"instance_id = :i", b":i > ''", "has changed what its owner has"),
}


def mutate_blocks(name: str, blocks: Path, output: Path) -> None:
    """Fills a folder with all libraries of another, one of them with a check less."""
    library, text, check, instead, _ = BLOCK_MUTANTS[name]
    output.mkdir()
    for each in blocks.glob("*.so"):
        (output / each.name).symlink_to(each)
    built = (blocks / library).read_bytes()
    if built.count(text) != 1:
        raise SystemExit(f"{library} has not one place to make the mutant {name}: {text!r}")
    (output / library).unlink()
    (output / library).write_bytes(
        built.replace(text, text.replace(check, instead.ljust(len(check)))))
