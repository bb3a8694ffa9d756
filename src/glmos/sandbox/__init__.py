"""Where tools run and what they cannot reach; the folders they work in and how these are taken back.

Above: `boot` chooses it, `runtime` and `tools` use it through `ports.Sandbox` and `ports.Workspaces`.
Below: the kernel's namespaces, through bubblewrap, and the file system.
"""

from glmos.sandbox.bubblewrap import BubblewrapSandbox
from glmos.sandbox.workspaces import DiskWorkspaces

__all__ = ["BubblewrapSandbox", "DiskWorkspaces"]
