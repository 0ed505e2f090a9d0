"""What is set before heavy libraries are imported."""

import os
import subprocess
import sys


def test_threads_that_wait_do_not_spin_unless_a_person_wants_it():
    """In a process of its own: this one has long imported what it needs."""
    code = "import os; from core.recipes.kinds import prepare_libraries as p; p(); print(os.environ['OMP_WAIT_POLICY'])"
    for given, kept in (({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")):
        rest = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        said = subprocess.run([sys.executable, "-c", code], env={**rest, **given}, capture_output=True, text=True)
        assert said.stdout.strip() == kept, said.stderr
