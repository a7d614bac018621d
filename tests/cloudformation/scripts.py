"""Write the shell scripts that templates contain into a folder: the user data of launch templates,
what these write out in turn, and the commands of builds."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))
import samples  # noqa: E402
import template  # noqa: E402


def scripts(name, r):
    for t in r.resources("AWS::EC2::LaunchTemplate").values():
        data = t["LaunchTemplateData"]["UserData"]
        yield f"{name}-user-data", data
        for path, text in re.findall(r"cat >(\S+) <<'END'\n(#!.*?)\nEND\n", data, re.S):
            yield f"{name}-{os.path.basename(path)}", text + "\n"
    for p in r.resources("AWS::CodeBuild::Project").values():
        spec = template.yaml.safe_load(p["Source"]["BuildSpec"])
        names = [v["Name"] for v in p["Environment"].get("EnvironmentVariables", [])]
        lines = [f": \"${{{n}:?}}\"" for n in names + ["CODEBUILD_RESOLVED_SOURCE_VERSION",
                                                        "CODEBUILD_BUILD_NUMBER"]]
        lines += [c for phase in spec["phases"].values() for c in phase["commands"]]
        yield f"{name}-build", "#!/bin/sh\n" + "\n".join(lines) + "\n"


def main(folder):
    os.makedirs(folder)
    for name in template.names():
        for i, case in enumerate(samples.cases(name)):
            for script, text in scripts(name, template.Resolved(template.load(name), case)):
                with open(os.path.join(folder, f"{script}-{i}.sh"), "w", encoding="ascii") as f:
                    f.write(text)
    assert os.listdir(folder), "no script was found"


main(sys.argv[1])
