"""The system calls that programs in the sandbox may not make, as a filter the kernel runs.

Everything is allowed but: changing mounts, namespaces and the clock; looking into other processes; loading code into
the kernel; memory that no limit sees (memfd, System V); sockets that a network namespace does not confine (vsock,
packet, raw netlink); typing into terminals; and making set-uid files, which would be somebody's programs outside.
Other instruction sets of the same machine end the program: their calls have other numbers.

The filter is classic BPF, assembled here; `profile` hands it to bubblewrap. Numbers from Linux's unistd.h.
"""

import errno
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
_ERRNO = 0x0005_0000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32_BIT = 0x4000_0000

_NEW_NAMESPACES = 0x7E02_0080
_SET_ID_BITS = 0o6000
_CREATES = 0o100 | 0o20000000  # O_CREAT, O_TMPFILE
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_PERSONALITY_QUERY = 0xFFFF_FFFF


class Instruction(NamedTuple):
    code: int
    if_true: int
    if_false: int
    value: int


def _load(offset: int) -> Instruction:
    return Instruction(_LOAD, 0, 0, offset)


def _argument(index: int) -> Instruction:
    """The lower half of an argument; both machines are little-endian and these arguments are 32 bits wide."""
    return _load(_ARGUMENTS + 8 * index)


def _return(value: int) -> Instruction:
    return Instruction(_RETURN, 0, 0, value)


def _refuse(number: int = errno.EPERM) -> Instruction:
    return _return(_ERRNO | number)


_DENIED = """
    mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr
    swapon swapoff reboot sethostname setdomainname unshare setns
    init_module finit_module delete_module create_module kexec_load kexec_file_load
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd move_pages migrate_pages
    add_key request_key keyctl bpf perf_event_open userfaultfd lsm_set_self_attr
    settimeofday clock_settime clock_adjtime adjtimex
    name_to_handle_at open_by_handle_at shmget msgget semget
    acct quotactl quotactl_fd vhangup iopl ioperm modify_ldt syslog fanotify_init uselib sysfs _sysctl
    lookup_dcookie nfsservctl ustat
""".split()

_ABSENT = "clone3 openat2 memfd_create memfd_secret io_uring_setup io_uring_enter io_uring_register".split()
"""Answered as by a kernel that has no such call: programs know how to do without. The first two take their flags
in memory, where a filter cannot look."""


def _flag(argument: int, bits: int) -> list[Instruction]:
    """Refuse when any of `bits` is set."""
    return [_argument(argument), Instruction(_JUMP_SET, 0, 1, bits), _refuse()]


def _created_mode(flags: int, mode: int) -> list[Instruction]:
    """The mode counts only where a file is created."""
    return [_argument(flags), Instruction(_JUMP_SET, 0, 3, _CREATES), *_flag(mode, _SET_ID_BITS)]


def _one_of(argument: int, allowed: Sequence[int]) -> list[Instruction]:
    tests = [Instruction(_JUMP_EQUAL, len(allowed) - index, 0, value) for index, value in enumerate(allowed)]
    return [_argument(argument), *tests, _refuse()]


_SOCKET_FAMILY = [
    _argument(0),
    Instruction(_JUMP_EQUAL, 6, 0, _AF_UNIX),
    Instruction(_JUMP_EQUAL, 5, 0, _AF_INET),
    Instruction(_JUMP_EQUAL, 4, 0, _AF_INET6),
    Instruction(_JUMP_EQUAL, 0, 2, _AF_NETLINK),
    _argument(2),
    Instruction(_JUMP_EQUAL, 1, 0, 0),  # routing information; libzmq asks for it
    _refuse(errno.EAFNOSUPPORT),
]

_TERMINAL = [
    _argument(1),
    Instruction(_JUMP_EQUAL, 1, 0, _TIOCSTI),
    Instruction(_JUMP_EQUAL, 0, 1, _TIOCLINUX),
    _refuse(),
]

_CONDITIONAL: Mapping[str, list[Instruction]] = {
    "clone": _flag(0, _NEW_NAMESPACES & ~0xFF),  # its low byte is the signal at exit
    "socket": _SOCKET_FAMILY,
    "socketpair": _SOCKET_FAMILY,
    "ioctl": _TERMINAL,
    "personality": _one_of(0, [0, _PERSONALITY_QUERY]),
    "chmod": _flag(1, _SET_ID_BITS),
    "fchmod": _flag(1, _SET_ID_BITS),
    "fchmodat": _flag(2, _SET_ID_BITS),
    "fchmodat2": _flag(2, _SET_ID_BITS),
    "mknod": _flag(1, _SET_ID_BITS),
    "mknodat": _flag(2, _SET_ID_BITS),
    "creat": _flag(1, _SET_ID_BITS),
    "open": _created_mode(1, 2),
    "openat": _created_mode(2, 3),
}
"""Ends, where nothing was refused, after the last instruction."""


class Machine(NamedTuple):
    audit_architecture: int
    numbers: Mapping[str, int]
    """By name; a call that is absent there does not exist."""
    has_x32: bool = False


_SINCE_UNIFICATION = {
    "pidfd_getfd": 438, "openat2": 437, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
    "memfd_secret": 447, "fchmodat2": 452, "lsm_set_self_attr": 460, "open_tree_attr": 467,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435,
}  # fmt: skip
"""New calls have had the same number on every machine since Linux 5.1."""

MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(
        0xC000_003E,
        _SINCE_UNIFICATION
        | {
            "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "swapon": 167, "swapoff": 168,
            "reboot": 169, "sethostname": 170, "setdomainname": 171, "unshare": 272, "setns": 308,
            "init_module": 175, "finit_module": 313, "delete_module": 176, "create_module": 174, "kexec_load": 246,
            "kexec_file_load": 320, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
            "move_pages": 279, "migrate_pages": 256, "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321,
            "perf_event_open": 298, "userfaultfd": 323, "settimeofday": 164, "clock_settime": 227,
            "clock_adjtime": 305, "adjtimex": 159, "name_to_handle_at": 303, "open_by_handle_at": 304, "shmget": 29,
            "msgget": 68, "semget": 64, "acct": 163, "quotactl": 179, "vhangup": 153, "iopl": 172, "ioperm": 173,
            "modify_ldt": 154, "syslog": 103, "fanotify_init": 300, "uselib": 134, "sysfs": 139, "_sysctl": 156,
            "lookup_dcookie": 212, "nfsservctl": 180, "ustat": 136, "memfd_create": 319, "clone": 56, "socket": 41,
            "socketpair": 53, "ioctl": 16, "personality": 135, "chmod": 90, "fchmod": 91, "fchmodat": 268,
            "mknod": 133, "mknodat": 259, "creat": 85, "open": 2, "openat": 257,
        },
        has_x32=True,
    ),
    "aarch64": Machine(
        0xC000_00B7,
        _SINCE_UNIFICATION
        | {
            "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "swapon": 224, "swapoff": 225, "reboot": 142,
            "sethostname": 161, "setdomainname": 162, "unshare": 97, "setns": 268, "init_module": 105,
            "finit_module": 273, "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "ptrace": 117,
            "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "move_pages": 239, "migrate_pages": 238,
            "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241,
            "userfaultfd": 282, "settimeofday": 170, "clock_settime": 112, "clock_adjtime": 266, "adjtimex": 171,
            "name_to_handle_at": 264, "open_by_handle_at": 265, "shmget": 194, "msgget": 186, "semget": 190,
            "acct": 89, "quotactl": 60, "vhangup": 58, "syslog": 116, "fanotify_init": 262, "lookup_dcookie": 18,
            "nfsservctl": 42, "memfd_create": 279, "clone": 220, "socket": 198, "socketpair": 199, "ioctl": 29,
            "personality": 92, "fchmod": 52, "fchmodat": 53, "mknodat": 33, "openat": 56,
        },
    ),
}  # fmt: skip


def program(machine: Machine) -> list[Instruction]:
    """The filter, instruction by instruction."""
    code = [_load(_ARCHITECTURE), Instruction(_JUMP_EQUAL, 1, 0, machine.audit_architecture), _return(KILL)]
    code.append(_load(_NUMBER))
    if machine.has_x32:
        code += [Instruction(_JUMP_AT_LEAST, 0, 1, _X32_BIT), _return(KILL)]
    for names, answer in ((_DENIED, _refuse()), (_ABSENT, _refuse(errno.ENOSYS))):
        for name in names:
            if name in machine.numbers:
                code += [Instruction(_JUMP_EQUAL, 0, 1, machine.numbers[name]), answer]
    for name, body in _CONDITIONAL.items():
        if name in machine.numbers:
            # The body replaces the number in the accumulator, so it must end the filter.
            code += [Instruction(_JUMP_EQUAL, 0, len(body) + 1, machine.numbers[name]), *body, _return(ALLOW)]
    code.append(_return(ALLOW))
    return code


def compiled(machine_name: str) -> bytes | None:
    """The filter as the kernel reads it (`struct sock_filter`); None for a machine without a table."""
    machine = MACHINES.get(machine_name)
    if machine is None:
        return None
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program(machine))
