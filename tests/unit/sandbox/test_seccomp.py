"""The filter answers as it should, on both machines. It is run here instruction by instruction, as the kernel would."""

import errno
import platform
import re
import struct
from pathlib import Path

import pytest

from glmos.sandbox import seccomp
from glmos.sandbox.seccomp import ALLOW, KILL, MACHINES, Machine

HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


def answer(code: bytes, number: int, arguments: tuple[int, ...] = (), architecture: int = 0) -> int:
    """Interpret classic BPF over a `struct seccomp_data`."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    program = list(struct.iter_unpack("<HBBI", code))
    place, accumulator = 0, 0
    while True:
        operation, if_true, if_false, value = program[place]
        place += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x06:
                return value
            case 0x15:
                place += if_true if accumulator == value else if_false
            case 0x35:
                place += if_true if accumulator >= value else if_false
            case 0x45:
                place += if_true if accumulator & value else if_false
            case _:
                raise AssertionError(f"an instruction no filter should have: {operation:#x}")


class Filter:
    def __init__(self, name: str) -> None:
        self.machine: Machine = MACHINES[name]
        code = seccomp.compiled(name)
        assert code is not None
        self.code = code

    def __call__(self, name: str | int, *arguments: int) -> int:
        number = name if isinstance(name, int) else self.machine.numbers[name]
        return answer(self.code, number, arguments, self.machine.audit_architecture)


def refused(number: int = errno.EPERM) -> int:
    return 0x0005_0000 | number


@pytest.fixture(params=list(MACHINES))
def filtered(request: pytest.FixtureRequest) -> Filter:
    return Filter(request.param)


@pytest.mark.parametrize("name", ["mount", "ptrace", "bpf", "unshare", "setns", "keyctl", "shmget", "perf_event_open"])
def test_what_nobody_in_a_sandbox_needs_is_refused(filtered: Filter, name: str) -> None:
    assert filtered(name) == refused()


@pytest.mark.parametrize("name", ["clone3", "openat2", "memfd_create", "io_uring_setup"])
def test_what_has_a_substitute_is_answered_as_if_it_did_not_exist(filtered: Filter, name: str) -> None:
    assert filtered(name) == refused(errno.ENOSYS)


def test_every_call_that_is_named_has_a_number_or_is_absent_on_that_machine() -> None:
    only_intel = {"create_module", "iopl", "ioperm", "modify_ldt", "uselib", "sysfs", "_sysctl", "ustat"}
    only_intel |= {"chmod", "mknod", "creat", "open"}
    assert MACHINES["x86_64"].numbers.keys() - MACHINES["aarch64"].numbers.keys() == only_intel
    assert MACHINES["aarch64"].numbers.keys() <= MACHINES["x86_64"].numbers.keys()


@pytest.mark.parametrize("number", [0, 1, 3, 5, 60, 63, 64, 93, 94, 222, 500, 1000])
def test_everything_else_is_allowed(filtered: Filter, number: int) -> None:
    if number not in filtered.machine.numbers.values():
        assert filtered(number) == ALLOW


def test_threads_and_children_may_be_made_but_no_namespaces(filtered: Filter) -> None:
    assert filtered("clone", 0x003D_0F00) == ALLOW  # a thread
    assert filtered("clone", 17) == ALLOW  # a child that sends SIGCHLD
    assert filtered("clone", 0xFF) == ALLOW  # a signal is no namespace
    for flag in (0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000):
        assert filtered("clone", flag | 17) == refused()


@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_sockets_are_of_families_that_a_network_namespace_confines(filtered: Filter, call: str) -> None:
    for family in (1, 2, 10):
        assert filtered(call, family, 1, 0) == ALLOW
    assert filtered(call, 16, 3, 0) == ALLOW  # routing
    for family, protocol in ((16, 9), (16, 12), (17, 0), (40, 0), (38, 0), (0, 0), (44, 0)):
        assert filtered(call, family, 3, protocol) == refused(errno.EAFNOSUPPORT)


def test_nothing_is_typed_into_terminals(filtered: Filter) -> None:
    assert filtered("ioctl", 0, 0x5412) == refused()
    assert filtered("ioctl", 0, 0x541C) == refused()
    assert filtered("ioctl", 0, 0x5412 | 1 << 32) == refused()  # the kernel looks at the lower half only
    assert filtered("ioctl", 0, 0x5413) == ALLOW  # the size of the window


def test_set_uid_files_are_not_made(filtered: Filter) -> None:
    place = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mknod": 1, "mknodat": 2, "creat": 1}
    for name, argument in place.items():
        if name in filtered.machine.numbers:
            for mode in (0o4755, 0o2755, 0o6000):
                assert filtered(name, *([0] * argument), mode) == refused()
            assert filtered(name, *([0] * argument), 0o1777) == ALLOW


def test_the_mode_of_a_file_that_is_only_opened_does_not_count(filtered: Filter) -> None:
    creates, temporary = 0o100, 0o20200000
    for flags, expected in ((creates, refused()), (temporary, refused()), (0o2, ALLOW)):
        assert filtered("openat", 0, 0, flags, 0o4755) == expected
        assert filtered("openat", 0, 0, flags, 0o644) == ALLOW
        if "open" in filtered.machine.numbers:
            assert filtered("open", 0, flags, 0o4755) == expected


def test_the_personality_may_only_be_asked_for(filtered: Filter) -> None:
    assert filtered("personality", 0xFFFF_FFFF) == ALLOW
    assert filtered("personality", 0) == ALLOW
    assert filtered("personality", 0x0040_0000) == refused()


def test_another_instruction_set_ends_the_program() -> None:
    code = Filter("x86_64").code
    assert answer(code, 20, (), 0x4000_0003) == KILL  # i386
    assert answer(code, 20, (), 0xC000_00B7) == KILL
    assert answer(Filter("aarch64").code, 20, (), 0x4000_0028) == KILL  # 32-bit ARM


def test_the_x32_bit_does_not_lead_around_the_filter() -> None:
    intel = Filter("x86_64")
    for number in (39, 165, 0):
        assert intel(0x4000_0000 | number) == KILL


def test_the_kernel_would_take_it(filtered: Filter) -> None:
    """At most 4096 instructions, and every jump lands inside."""
    instructions = seccomp.program(filtered.machine)
    assert len(instructions) < 4096
    for place, instruction in enumerate(instructions):
        if instruction.code != 0x06:
            assert place + 1 + max(instruction.if_true, instruction.if_false) < len(instructions)
        assert max(instruction.if_true, instruction.if_false) < 256


def test_a_machine_without_a_table_has_no_filter() -> None:
    assert seccomp.compiled("riscv64") is None
    assert seccomp.compiled(platform.machine()) is not None


@pytest.mark.parametrize("name", list(MACHINES))
def test_the_numbers_are_those_of_the_kernels_header(name: str) -> None:
    header = next((Path(path) for path in HEADERS[name] if Path(path).exists()), None)
    if header is None:
        pytest.skip("the kernel's headers are not installed")
    found = re.finditer(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    known = {match[1]: int(match[2]) for match in found}
    ours = MACHINES[name].numbers
    assert {call: ours[call] for call in ours if call in known} == {call: known[call] for call in ours if call in known}
