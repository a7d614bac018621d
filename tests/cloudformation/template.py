"""CloudFormation templates as data: read, and resolved with given parameters.

What an intrinsic function refers to outside of the template is a made-up value of the right form: a
Ref or an attribute of a resource is its logical name, or what attributes() of the caller says.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from pyyaml import yaml  # noqa: E402

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "cloudformation")
PSEUDO = {"AWS::Region": "eu-central-1", "AWS::AccountId": "111122223333",
          "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
          "AWS::StackId": "arn:aws:cloudformation:eu-central-1:111122223333:stack/sample/1",
          "AWS::NotificationARNs": []}
NOTHING = object()  # AWS::NoValue


class Loader(yaml.SafeLoader):
    """Plain YAML with the short forms; a key that comes twice is an error."""


def _tagged(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


def _mapping(loader, node):
    loader.flatten_mapping(node)
    keys = [loader.construct_object(k) for k, _ in node.value]
    twice = {k for k in keys if keys.count(k) > 1}
    if twice:
        raise ValueError(f"line {node.start_mark.line + 1}: twice: {', '.join(map(str, twice))}")
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", _tagged)
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)


def names():
    """The templates there are, without their ending."""
    return sorted(f[:-5] for f in os.listdir(FOLDER) if f.endswith(".yaml"))


def load(name):
    with open(os.path.join(FOLDER, f"{name}.yaml"), encoding="ascii") as f:
        return yaml.load(f, Loader)


def walk(value, place=""):
    """Every (place, value) in it, itself included."""
    yield place, value
    if isinstance(value, dict):
        for k, v in value.items():
            yield from walk(v, f"{place}/{k}")
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from walk(v, f"{place}/{i}")


def sub_names(text):
    """The names that a text of Fn::Sub refers to."""
    return [n for n in re.findall(r"\$\{([^}]*)\}", text) if not n.startswith("!")]


class Resolved:
    """A template with its parameters; resource() and outputs() are what is left of it."""

    def __init__(self, template, parameters=None, attributes=None, stack="sample"):
        self.t = template
        self.attributes = attributes or {}
        self.values = dict(PSEUDO, **{"AWS::StackName": stack})
        given = dict(parameters or {})
        for name, p in template.get("Parameters", {}).items():
            if name not in given and "Default" not in p:
                raise ValueError(f"parameter {name} is needed")
            self.values[name] = self.parameter(name, p, given.pop(name, p.get("Default")))
        if given:
            raise ValueError(f"no parameters of these names: {', '.join(given)}")
        for rule in template.get("Rules", {}).values():
            if self.truth(rule.get("RuleCondition", {"Fn::Equals": [1, 1]})):
                for a in rule["Assertions"]:
                    if not self.truth(a["Assert"]):
                        raise ValueError(a["AssertDescription"])

    @staticmethod
    def parameter(name, p, value):
        value = str(value)
        if "AllowedPattern" in p and not re.fullmatch(p["AllowedPattern"], value):
            raise ValueError(f"parameter {name}: {value!r} is not {p['AllowedPattern']}")
        if "AllowedValues" in p and value not in map(str, p["AllowedValues"]):
            raise ValueError(f"parameter {name}: {value!r} is none of {p['AllowedValues']}")
        if p["Type"] == "CommaDelimitedList" or p["Type"].startswith("List<"):
            return value.split(",")
        return value

    # --- conditions ------------------------------------------------------------------------------

    def truth(self, c):
        (kind, value), = c.items()
        if kind == "Condition":
            return self.truth(self.t["Conditions"][value])
        if kind == "Fn::Equals":
            return str(self.value(value[0])) == str(self.value(value[1]))
        if kind == "Fn::Not":
            return not self.truth(value[0])
        if kind == "Fn::And":
            return all(self.truth(v) for v in value)
        if kind == "Fn::Or":
            return any(self.truth(v) for v in value)
        raise ValueError(f"{kind} is no condition")

    def exists(self, name):
        condition = self.t["Resources"][name].get("Condition")
        return not condition or self.truth({"Condition": condition})

    # --- values ----------------------------------------------------------------------------------

    def reference(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in self.values:
            return self.values[name]
        if name not in self.t["Resources"]:
            raise ValueError(f"Ref {name}: there is nothing of this name")
        if not self.exists(name):
            raise ValueError(f"Ref {name}: it is not made with these parameters")
        return self.attributes.get(name, name)

    def attribute(self, name, attribute):
        if not self.exists(name):
            raise ValueError(f"GetAtt {name}: it is not made with these parameters")
        return self.attributes.get(f"{name}.{attribute}",
                                   f"arn:aws:made-up:eu-central-1:111122223333:{name}"
                                   if attribute.endswith("Arn") else f"{name}.{attribute}")

    def substitute(self, value):
        text, own = (value, {}) if isinstance(value, str) else value
        own = {k: self.value(v) for k, v in own.items()}

        def one(m):
            name = m.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return str(own[name])
            if "." in name:
                return str(self.attribute(*name.split(".", 1)))
            return str(self.reference(name))
        return re.sub(r"\$\{([^}]*)\}", one, text)

    def function(self, kind, value):
        if kind == "Ref":
            return self.reference(value)
        if kind == "Fn::GetAtt":
            return self.attribute(*value)
        if kind == "Fn::Sub":
            return self.substitute(value)
        if kind == "Fn::If":
            return self.value(value[1 if self.truth({"Condition": value[0]}) else 2])
        if kind == "Fn::Join":
            return str(value[0]).join(map(str, self.value(value[1])))
        if kind == "Fn::Split":
            return self.value(value[1]).split(value[0])
        if kind == "Fn::FindInMap":
            a, b, c = (self.value(v) for v in value)
            return self.t["Mappings"][a][b][c]
        if kind == "Fn::Base64":
            return self.value(value)  # as text
        raise ValueError(f"{kind} is not known here")

    def value(self, v):
        if isinstance(v, dict):
            if len(v) == 1:
                (kind, inner), = v.items()
                if kind == "Ref" or kind.startswith("Fn::"):
                    return self.function(kind, inner)
            done = {k: self.value(x) for k, x in v.items()}
            return {k: x for k, x in done.items() if x is not NOTHING}
        if isinstance(v, list):
            return [x for x in (self.value(y) for y in v) if x is not NOTHING]
        return v

    # --- what is left ----------------------------------------------------------------------------

    def resources(self, kind=None):
        """{name: properties} of those that are made."""
        return {name: self.value(r.get("Properties", {}))
                for name, r in self.t["Resources"].items()
                if self.exists(name) and kind in (None, r["Type"])}

    def outputs(self):
        return {name: self.value(o["Value"]) for name, o in self.t.get("Outputs", {}).items()
                if "Condition" not in o or self.truth({"Condition": o["Condition"]})}
