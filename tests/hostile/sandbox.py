"""Runs a program under a unit's system call filter, as systemd would.

Arguments: the values of SystemCallFilter= in their order, `--`, the program and its arguments. What is
not allowed fails with EPERM, as SystemCallErrorNumber= says.
"""
import ctypes, os, subprocess, sys

EPERM, ALLOW = 1, 0x7FFF0000
FAIL = 0x00050000 | EPERM


def expand(name, seen):
    """The system calls of a group of systemd's, or the one that is named."""
    if not name.startswith("@"):
        return {name}
    if name in seen:
        return set()
    seen.add(name)
    listed = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True, check=True
    )
    lines = (line.strip() for line in listed.stdout.splitlines()[1:])
    names = [line for line in lines if line and not line.startswith("#")]
    return set().union(*(expand(name, seen) for name in names)) if names else set()


def allowed(values):
    names = expand("@default", set())
    for value in values:
        group = set().union(*(expand(name, set()) for name in value.lstrip("~").split()))
        names = names - group if value.startswith("~") else names | group
    return names


split = sys.argv.index("--")
library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
library.seccomp_load.argtypes = [ctypes.c_void_p]
rules = library.seccomp_init(FAIL)
for name in allowed(sys.argv[1:split]):
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        library.seccomp_rule_add(rules, ALLOW, number, 0)
if library.seccomp_load(rules) != 0:
    sys.exit("the filter could not be loaded")
program = sys.argv[split + 1 :]
os.execv(program[0], program)
