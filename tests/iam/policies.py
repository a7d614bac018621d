"""The policies of cloudformation/policies.yaml as IAM would see them, and what they allow.

Judging is what IAM does with Allow statements alone (there is no Deny in them): action and resource
by * and ?, every condition operator of a statement, every value of a key.
"""
import fnmatch
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cloudformation"))
import template  # noqa: E402

# Which policies a kind of target gets: what a role of the README's table has attached.
KINDS = {
    "worker": ["Worker"],
    "lambda": ["Lambda"],
    "load_balancer": ["LoadBalancer"],
    "auto_scaling": ["AutoScaling"],
    "beanstalk": ["Beanstalk"],
    "beanstalk_resources": ["BeanstalkResources"],
    "ecs": ["Ecs"],
}
SIZE_MAX = 6144  # characters of a managed policy, white space not counted


def documents(**parameters):
    """{"Lambda": document, ...} of the policies that these parameters make."""
    made = template.Resolved(template.load("policies"), parameters, stack="policies").resources()
    return {name.removesuffix("ManagedPolicy"): r["PolicyDocument"] for name, r in made.items()}


def as_list(value):
    return value if isinstance(value, list) else [value]


def size(document):
    return len(re.sub(r"\s", "", json.dumps(document)))


def like(pattern, text):
    """* and ? stand for any characters; [ is itself."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def holds(operator, key, wanted, context):
    """One key of one operator ("StringLike": {key: wanted}) in this context: {key: value}."""
    wanted = [str(w) for w in as_list(wanted)]
    if operator == "Null":
        return (key not in context) == (wanted == ["true"])
    if operator not in ("StringEquals", "StringLike", "ArnLike", "StringNotEquals",
                        "StringNotLike"):
        raise ValueError(f"{operator} is not known here")
    negated = "Not" in operator
    if key not in context:
        return negated
    same = like if operator.endswith("Like") else (lambda w, v: w == v)
    return any(same(w, context[key]) for w in wanted) != negated


def allows(statement, action, resource, context):
    if statement["Effect"] != "Allow":
        raise ValueError("only Allow is known here")
    if not any(like(a.lower(), action.lower()) for a in as_list(statement["Action"])):
        return False
    if not any(like(r, resource) for r in as_list(statement["Resource"])):
        return False
    return all(holds(operator, key, wanted, context)
               for operator, keys in statement.get("Condition", {}).items()
               for key, wanted in keys.items())


def statements(documents, kind):
    return [s for name in KINDS[kind] for s in as_list(documents.get(name, {}).get("Statement", []))]


def allowed(granted, action, resource, context):
    return any(allows(s, action, resource, context) for s in granted)


class Right:
    """One line of the record: who needed which action on what, in which context."""

    def __init__(self, line):
        fields = line.split("\t")
        self.kind, self.action, self.resource = fields[:3]
        self.context = dict(f.split("=", 1) for f in fields[3:])

    def __str__(self):
        context = "".join(f", {k}={v}" for k, v in sorted(self.context.items()))
        return f"{self.kind}: {self.action} on {self.resource}{context}"


def record(path):
    with open(path, encoding="utf-8") as f:
        return [Right(line) for line in sorted(set(f.read().splitlines())) if line]
