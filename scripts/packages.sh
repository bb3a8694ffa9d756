# Sourced by `setup`: programs of the operating system, through its own package manager.

stop() { echo "$1" >&2; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }

# have_postgres: a server's programs; Debian keeps them off the path.
have_postgres() { have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

postgres_package() { if have dnf || have yum || have zypper; then echo postgresql-server; else echo postgresql; fi; }

# newest_python: the newest interpreter on this machine that is new enough.
newest_python() {
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# get_package PACKAGE WHY: as root or with a sudo that asks nothing; otherwise stop with the command to type.
get_package() {
    if have apt-get; then command="apt-get install -y $1"
    elif have dnf; then command="dnf install -y $1"
    elif have yum; then command="yum install -y $1"
    elif have zypper; then command="zypper --non-interactive install $1"
    elif have pacman; then command="pacman -S --noconfirm $1"
    elif have apk; then command="apk add $1"
    else stop "$2; install the package '$1' and run this again."
    fi
    if [ "$(id -u)" = 0 ]; then sudo=""
    elif have sudo && sudo -n true 2>/dev/null; then sudo="sudo -n"
    else stop "$2. Install it and run this again:  sudo $command"
    fi
    echo "$2; installing it: $command" >&2
    $sudo $command </dev/null >/dev/null 2>&1 || {
        ! have apt-get || $sudo apt-get update </dev/null >/dev/null 2>&1  # a fresh machine has no package lists yet
        $sudo $command </dev/null >&2 || stop "'$command' failed; see above."
    }
}
