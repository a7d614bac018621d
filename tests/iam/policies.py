"""The policies of cloudformation/policies.yaml as IAM would see them, and what they allow.

Documents are made with given parameters: only the functions that the template uses are known, any
other fails. Judging is what IAM does with Allow statements alone (there is no Deny in them): action
and resource by * and ?, every condition operator of a statement, every value of a key.
"""
import fnmatch
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from pyyaml import yaml  # noqa: E402

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "111122223333",
          "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "policies"}
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
NOTHING = object()
SIZE_MAX = 6144  # characters of a managed policy, white space not counted


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: "!Sub x" is {"Fn::Sub": "x"}."""


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


class Template:
    """A template with its parameters given."""

    def __init__(self, path, **parameters):
        with open(path, encoding="utf-8") as f:
            self.doc = yaml.load(f, Loader)  # a SafeLoader
        unknown = set(parameters) - set(self.doc["Parameters"])
        if unknown:
            raise ValueError(f"no such parameters: {unknown}")
        self.values = dict(PSEUDO)
        for name, p in self.doc["Parameters"].items():
            value = parameters.get(name, p["Default"])
            if "AllowedValues" in p and value not in p["AllowedValues"]:
                raise ValueError(f"{name} is {value}")
            is_list = p["Type"] == "CommaDelimitedList"
            self.values[name] = value.split(",") if is_list else value

    def condition(self, name):
        return self.value(self.doc["Conditions"][name])

    def ref(self, name):
        return NOTHING if name == "AWS::NoValue" else self.values[name]

    def sub(self, text):
        return re.sub(r"\$\{([^}]+)\}", lambda m: self.values[m.group(1)], text)

    def call(self, name, arg):
        if name == "Ref":
            return self.ref(arg)
        if name == "Condition":
            return self.condition(arg)
        if name == "Fn::Sub":
            return self.sub(arg)
        if name == "Fn::If":
            return self.value(arg[1] if self.condition(arg[0]) else arg[2])
        args = [self.value(x) for x in arg]
        if name == "Fn::Equals":
            return args[0] == args[1]
        if name == "Fn::Not":
            return not args[0]
        if name == "Fn::And":
            return all(args)
        if name == "Fn::Join":
            return args[0].join(args[1])
        raise ValueError(f"{name} is not known here")

    def value(self, node):
        if isinstance(node, list):
            return [v for v in map(self.value, node) if v is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name = next(iter(node))
            # "Condition" is a statement's member too, with a map
            if name.startswith("Fn::") or name == "Ref" or \
                    (name == "Condition" and isinstance(node[name], str)):
                return self.call(name, node[name])
        out = {k: self.value(v) for k, v in node.items()}
        return {k: v for k, v in out.items() if v is not NOTHING}

    def documents(self):
        """{"Lambda": document, ...} of the policies that these parameters make."""
        out = {}
        for name, r in self.doc["Resources"].items():
            if r["Type"] != "AWS::IAM::ManagedPolicy":
                raise ValueError(f"{name} is a {r['Type']}")
            if "Condition" in r and not self.condition(r["Condition"]):
                continue
            out[name.removesuffix("ManagedPolicy")] = self.value(
                r["Properties"]["PolicyDocument"])
        return out


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
