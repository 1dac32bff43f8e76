"""A Postgres of the tests' own."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from .net import free_port


def binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise FileNotFoundError("no Postgres: apt-get install postgresql")
    return found[-1]


class Postgres:
    """Runs as the system's user `postgres` where we are root: Postgres refuses root."""

    def __init__(self):
        self.bin, self.port = binaries(), free_port()
        self.dir = tempfile.mkdtemp(prefix="insiders-pg-")
        if os.getuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
        self.data = f"{self.dir}/data"
        self._run("initdb", "-D", self.data, "-U", "insiders", "-A", "trust", "-N")
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "insiders", "insiders")
        self.url = f"postgres://insiders@127.0.0.1:{self.port}/insiders"

    def _run(self, program, *arguments):
        command = [str(self.bin / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout.decode()}")

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.dir} -F"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.dir}/log", "-o", options, "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def admit(self, user):
        """What docs/AWS.md has an administrator do once; RDS brings the role rds_iam."""
        self.ask(f"CREATE ROLE rds_iam; CREATE USER {user}; GRANT rds_iam TO {user}")
        self.ask(f"GRANT CREATE ON DATABASE insiders TO {user}")

    def ask(self, sql):
        """Rows as tuples of text."""
        command = [str(self.bin / "psql"), self.url, "-XAtqc", sql]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [tuple(line.split("|")) for line in text.splitlines()]

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir)
