"""What a sample pipeline's build does, done here: the commands of its build specification, with the
variables of its project, in a directory of sources, with docker and aws as programs that do
nothing. The files that come out are the artifact."""
import glob
import os
import subprocess

from template import yaml


def run(project, sources, directory, variables=()):
    """sources: {path: text}; returns {path: bytes} of the artifact."""
    stubs, work = os.path.join(directory, "bin"), os.path.join(directory, "src")
    os.makedirs(stubs)
    for name in ("docker", "aws"):
        with open(os.path.join(stubs, name), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexit 0\n")
        os.chmod(os.path.join(stubs, name), 0o755)
    for path, text in sources.items():
        os.makedirs(os.path.dirname(os.path.join(work, path)), exist_ok=True)
        with open(os.path.join(work, path), "w", encoding="utf-8") as f:
            f.write(text)
    env = {"PATH": stubs + ":" + os.environ["PATH"], **dict(variables)}
    for v in project["Environment"].get("EnvironmentVariables", []):
        env[v["Name"]] = v["Value"]
    spec = yaml.safe_load(project["Source"]["BuildSpec"])
    assert spec["version"] == 0.2 and set(spec) == {"version", "phases", "artifacts"}, spec
    assert list(spec["phases"]) == ["build"], "another phase would not be run here"
    for command in spec["phases"]["build"]["commands"]:
        subprocess.run(["sh", "-c", command], cwd=work, env=env, check=True,
                       stdin=subprocess.DEVNULL)
    base = os.path.join(work, spec["artifacts"].get("base-directory", "."))
    found = {}
    for pattern in spec["artifacts"]["files"]:
        for path in glob.glob(pattern, root_dir=base, recursive=True, include_hidden=True):
            if os.path.isfile(os.path.join(base, path)):
                with open(os.path.join(base, path), "rb") as f:
                    found[path] = f.read()
    assert found, "no artifact"
    return found
