"""The release's programs and libraries are hardened, the bridge in Go too, and the look at them sees when one is not."""

import json
import platform
import subprocess

import pytest
from hardening import weaknesses
from pombo_server import REPOSITORY, default_binary
from whatsapp import built

BUILD = default_binary().parent
BUILT = [BUILD / "pombo", BUILD / "pombo-block-host", *sorted(BUILD.glob("plugins/*.so"))]
HARDENED = ["-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS",
            "-fstack-protector-strong", "-fcf-protection=full", "-fPIE", "-pie",
            "-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code"]
# What leaves no trace in a file that could be looked for.
WITHOUT_A_TRACE = ["-fstack-clash-protection", "-ftrivial-auto-var-init=zero",
                   "-fno-delete-null-pointer-checks", "-fno-strict-overflow", "-fno-strict-aliasing",
                   "-Wformat=2", "-Werror=format-security", "-Wimplicit-fallthrough"]
PROGRAM = r"""
#include <cstdio>
#include <cstring>
#include <string>
int main(int count, char** words) {
  char copy[64] = "";
  if (count > 1) std::strcpy(copy, words[1]);
  const std::string text = copy;
  std::printf("%s %c\n", copy, text[static_cast<std::size_t>(count)]);
}
"""


@pytest.mark.parametrize("file", BUILT, ids=lambda file: file.name)
def test_what_is_shipped_is_hardened(file):
    # A library that names a program has no code, and so nothing that could assert.
    is_empty = b".pombo.program" in file.read_bytes() and file.suffix == ".so"
    assert weaknesses(file) == (["has no assertions of the standard library"] if is_empty else [])


def test_the_bridge_is_hardened_as_far_as_go_can_be():
    """Skipped where there is no Go to build it with."""
    # Its canaries and fortified functions are those of the C between Go and SQLite. Assertions are C++'s, and Go's own
    # compiler knows no marks for where jumps may arrive: the first function that has none differs by its version.
    found = [each for each in weaknesses(built("live")) if not each.startswith("lets jumps arrive anywhere")]
    assert found == ["has no assertions of the standard library"]


def test_every_block_of_the_build_was_looked_at():
    manifest = json.loads((BUILD / "plugins/manifest.json").read_text())
    assert set(manifest) == {file.name for file in BUILT if file.suffix == ".so"}


def test_every_file_of_ours_was_compiled_with_all_of_it():
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    assert {str(REPOSITORY / "core/src/main.cpp"),
            str(REPOSITORY / "plugins/webhook/webhook_block.cpp")} <= {c["file"] for c in commands}
    for each in commands:
        words = each["command"].split()
        assert set(WITHOUT_A_TRACE) - set(words) == set(), each["file"]
        assert "-O3" in words  # without -O2 at least, nothing is fortified
        assert words.index("-U_FORTIFY_SOURCE") < words.index("-D_FORTIFY_SOURCE=3")


@pytest.mark.parametrize("change, weakness", [
    ([], None),
    (["-fno-pie", "-no-pie"], "has a fixed address (no PIE)"),
    (["-Wl,-z,lazy"], "binds lazily (no BIND_NOW)"),
    (["-Wl,-z,norelro"], "keeps its relocations writable (no RELRO)"),
    (["-Wl,-z,execstack"], "has a segment that is writable and executable"),
    (["-Wl,-z,noseparate-code"], "has data that is executable (no separate code)"),
    (["-fno-stack-protector"], "has no stack protector"),
    (["-U_FORTIFY_SOURCE"], "has no fortified function"),
    (["-U_GLIBCXX_ASSERTIONS"], "has no assertions of the standard library"),
    (["-fcf-protection=none"], "lets jumps arrive anywhere (main)"),
    (["-Wl,-rpath,/opt/lib"], "looks for libraries in /opt/lib (RUNPATH)"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are its flags")
def test_a_program_without_is_refused(tmp_path, change, weakness):
    source, program = tmp_path / "program.cpp", tmp_path / "program"
    source.write_text(PROGRAM)
    subprocess.run(["g++", *HARDENED, *change, source, "-o", program], check=True)
    found = weaknesses(program)
    assert (weakness in found) if weakness else (found == [])
