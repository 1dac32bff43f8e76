"""A control group with a share of a core and a limit of memory: version 1 or 2 of the kernel's."""

import os
import time
from pathlib import Path

from .measure import Command

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
ENTER = 'for g in $GROUPS_TO_ENTER; do echo $$ > "$g/cgroup.procs" || exit 1; done; exec "$@"'


class Missing(Exception):
    """This machine does not let us make groups."""


class Group:
    """Exists while it is entered as a context."""

    def __init__(self, cores: float, memory_mb: int) -> None:
        name = f"insiders-bench-{os.getpid()}"
        quota, memory = max(1000, int(cores * PERIOD_US)), memory_mb << 20
        if (ROOT / "cpu" / "cpu.cfs_quota_us").exists():
            self.values = {
                ROOT / "cpu" / name: {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota},
                ROOT / "memory" / name: {"memory.limit_in_bytes": memory},
            }
        else:
            self.values = {
                ROOT / name: {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": memory},
            }

    def __enter__(self) -> "Group":
        try:
            for folder, values in self.values.items():
                folder.mkdir()
                for name, value in values.items():
                    (folder / name).write_text(str(value))
        except OSError as error:
            self.__exit__()
            raise Missing(f"control groups can't be made here: {error}") from None
        return self

    def __exit__(self, *_reason: object) -> None:
        for folder in self.values:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    # Its last process has ended but is still counted.
                    time.sleep(0.1)

    def ran_out(self) -> bool:
        """Whether the kernel ended one of its processes for want of memory."""
        for folder in self.values:
            for name in ("memory.oom_control", "memory.events"):
                try:
                    told = (folder / name).read_text()
                except OSError:
                    continue
                counts = dict(line.split() for line in told.splitlines())
                if int(counts.get("oom_kill", 0)) > 0:
                    return True
        return False

    def inside(self, command: Command) -> Command:
        """The command as a member of the group."""
        env = {**command.env, "GROUPS_TO_ENTER": " ".join(map(str, self.values))}
        return Command(["sh", "-c", ENTER, "sh", *command.argv], env=env, stdin=command.stdin)
