"""Takes one check out of a source file: mutate.py MUTANT SOURCE OUTPUT. Fails when it is not there."""

from __future__ import annotations

import sys
from pathlib import Path

# By name: what stands in the source, what takes its place, and what the matrix then has to say.
MUTANTS = {
    "ownership": (
        "if (call.caller->instance->name != name) throw",
        "if (false && call.caller->instance->name != name) throw",
        "instead of 403"),
    "token_kind": (
        "if (route->access == Access::account && call.caller->instance) {", "if (false) {",
        "instead of 401"),
    "account_scope": (
        '" FROM instance WHERE account_id = :account "\n'
        '                              "AND name = :name',
        '" FROM instance WHERE (account_id = :account OR id = id) "\n'
        '                              "AND name = :name',
        "instead of 404"),
    "list_scope": (
        "if (request.instance) {  // an instance's own", "if (false) {  // an instance's own",
        "shows what is not its own"),
    "admin_token": (
        "if (route && !call.admin) failAuthentication(call);", "", "instead of 401"),
    "disabled_account": (
        "if (!account || !account->enabled) return", "if (!account) return",
        "with an instance of a disabled account"),
    "rotated_token": (
        "AND old_token_until > :now", "AND old_token_until < :now",
        "with a token from before a rotation"),
    "open_route": (
        '.summary = "List instances",', '.access = Access::open, .summary = "List instances",',
        "is declared for open"),
}


def mutate(name: str, source: Path, output: Path) -> None:
    check, instead, _ = MUTANTS[name]
    text = source.read_text()
    if text.count(check) != 1:
        raise SystemExit(f"{source} has not one place to make the mutant {name}: {check}")
    output.write_text(text.replace(check, instead))


if __name__ == "__main__":
    mutate(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
