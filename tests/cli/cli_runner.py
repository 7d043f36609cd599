"""Runs the program under test in a clean place."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("VIVACE", ROOT / "build" / "release" / "vivace"))
MINILM = pathlib.Path(os.environ.get("VIVACE_MODEL", ROOT / "models" / "all-MiniLM-L6-v2"))


class Cli:
    """Runs the program in an empty folder with an environment of its own: nothing of the machine's caches is seen."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
        # A sanitizer's options belong to the program under test as well.
        self.environment |= {key: os.environ[key] for key in os.environ if key.endswith("SAN_OPTIONS")}

    def command(self, *arguments):
        return [str(PROGRAM), *map(str, arguments)]

    def run(self, *arguments, stdin=b"", timeout=120, **environment):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run(self.command(*arguments), input=stdin, capture_output=True, cwd=self.folder,
                              env=self.environment | environment, timeout=timeout, check=False)

    def ok(self, *arguments, **options):
        """Standard output of a run that must succeed."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()

    def error(self, *arguments, code, **options):
        """The one line that a failing run says."""
        done = self.run(*arguments, **options)
        message = done.stderr.decode(errors="replace")
        assert done.returncode == code, f"exit code {done.returncode}: {message}"
        assert message.startswith("vivace: ") and message.count("\n") == 1, message
        return message.strip()
