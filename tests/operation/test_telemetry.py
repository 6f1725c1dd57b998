"""Nothing calls home: no library that backbot runs gives the machine a name or keeps something to send."""

import os
import subprocess
import sys
from pathlib import Path

from backbot.settings import Settings


def test_answering_leaves_nothing_in_the_users_home(corpus_settings: Settings, tmp_path: Path):
    # Nothing of the surroundings: some libraries are silent where a CI server is named in the environment.
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "BACKBOT_INDEX": str(corpus_settings.index),
        "BACKBOT_MODEL_CACHE": str(corpus_settings.model_cache.expanduser()),
    }
    command = [sys.executable, "-m", "backbot", "ask", "Should I put ice or heat on my back?"]
    run = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "heat-vs-cold" in run.stdout, run.stderr
    assert [str(path) for path in tmp_path.rglob("*") if path.is_file()] == []
