#!/usr/bin/env python3
"""Hold cloudformation/policies.yaml against every right that the simulator saw somebody need.

    closure.py RECORD            after the whole suite: granted is exactly what was needed
    closure.py RECORD --subset   after a part of it: what was needed is granted

RECORD is what IAM_RECORD named while the tests ran (tests/sim/sim_iam.h). Prints "ok NAME" lines,
every finding, and "N passed, N failed".
"""
import copy
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import policies as iam  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPT = os.path.join(HERE, "except")
ROLES = "arn:aws:iam::111122223333:role/*"
# Everything that the tests deploy to, whatever its name is.
ALL = {
    "TargetRoleArns": "arn:aws:iam::*:role/*",
    "NotifyTopicArn": "arn:aws:sns:eu-central-1:111122223333:*",
    "NotifyKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/0",
    "NotifyEventBusArn": "arn:aws:events:eu-central-1:111122223333:event-bus/*",
    "Functions": "*", "LoadBalancers": "*", "AutoScalingGroups": "*", "BeanstalkApplications": "*",
    "EcsClusters": "*", "HookFunctions": "*", "InstanceRoleArns": ROLES, "BeanstalkRoleArns": ROLES,
    "TaskRoleArns": ROLES, "ArtifactBuckets": "codepipeline-*", "Provider": "*", "HostedZones": "*", "DeleteOriginals": "true",
}

passed = failed = 0


def check(name, findings):
    global passed, failed
    for f in findings:
        print(f"  {f}")
    print(f"{'not ok' if findings else 'ok'} {name}")
    failed += bool(findings)
    passed += not findings


def documents(**more):
    return iam.documents(**{**ALL, **more})


def kind_of(policy):
    return next(k for k, names in iam.KINDS.items() if policy in names)


def each_action(docs):
    """(policy, index of the statement, statement, action) of everything that is granted."""
    for policy, doc in docs.items():
        for i, s in enumerate(doc["Statement"]):
            for action in iam.as_list(s["Action"]):
                yield policy, i, s, action


def exceptions():
    """{"Policy Sid action": reason}"""
    out = {}
    with open(EXCEPT, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, reason = line.split(":  ")
                out[name] = reason.strip()
    return out


def check_needed_is_granted(rights, docs):
    unknown = [f"{r} was made by nobody we know" for r in rights if r.kind not in iam.KINDS]
    check("every call came from the worker or a kind of target", unknown)
    for kind in iam.KINDS:
        granted = iam.statements(docs, kind)
        check(f"what {kind} did is granted",
              [f"{r} is not granted" for r in rights if r.kind == kind and
               not iam.allowed(granted, r.action, r.resource, r.context)])


def check_granted_is_needed(rights, docs):
    excepted = exceptions()
    for policy in docs:
        kind = kind_of(policy)
        mine = [r for r in rights if r.kind == kind]
        findings = []
        for p, _, s, action in each_action(docs):
            if p != policy:
                continue
            name = f"{policy} {s['Sid']} {action}"
            seen = any(iam.allows({**s, "Action": action}, r.action, r.resource, r.context)
                       for r in mine)
            if not seen and name not in excepted:
                findings.append(f"{name} is granted, but was never needed")
            if seen and name in excepted:
                print(f"# {name} is excepted, but was needed: strike it out of tests/iam/except")
        check(f"what policy {policy} grants was needed", findings)
    check("every exception is of something that is granted",
          [f"{name} is not granted" for name in excepted
           if not any(name == f"{p} {s['Sid']} {a}" for p, _, s, a in each_action(docs))])


def without(docs, policy, index, action):
    out = copy.deepcopy(docs)
    s = out[policy]["Statement"][index]
    s["Action"] = [a for a in iam.as_list(s["Action"]) if a != action]
    return out


def check_mutants(rights, parameters):
    """Removing any one action from any one statement denies something that was needed."""
    docs = documents(**parameters)
    base = {k: iam.statements(docs, k) for k in iam.KINDS}
    needed = [r for r in rights if iam.allowed(base[r.kind], r.action, r.resource, r.context)]
    excepted, survivors, n = exceptions(), [], 0
    for policy, i, s, action in each_action(docs):
        kind = kind_of(policy)
        name = f"{policy} {s['Sid']} {action}"
        if name in excepted:
            continue
        n += 1
        granted = iam.statements(without(docs, policy, i, action), kind)
        if all(iam.allowed(granted, r.action, r.resource, r.context)
               for r in needed if r.kind == kind):
            survivors.append(f"{name} can be taken away and nobody notices")
    check(f"each of {n} removals is noticed", survivors)


def main():
    path, subset = sys.argv[1], "--subset" in sys.argv[2:]
    rights = iam.record(path) if os.path.exists(path) else []
    docs = documents()
    print(f"# {len(rights)} rights were needed, {sum(1 for _ in each_action(docs))} are granted")
    check_needed_is_granted(rights, docs)
    if not subset:
        check_granted_is_needed(rights, docs)
        # patterns that do not grant the same twice
        check_mutants(rights, {"DeleteOriginals": "false", "Functions": "checkout",
                               "HookFunctions": "smoke"})
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
