"""The command line, as in a terminal, over a home whose daemons are those of `glmos.testing.crash.daemon`."""

import sys

from glmos.cli.app import main
from glmos.cli.shell import Shell
from glmos.testing.crash.daemon import COMMAND

sys.exit(main(sys.argv[1:], shell=Shell(daemon=COMMAND)))
