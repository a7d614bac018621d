"""Is an answer what the service's published model says? botocore drops members it does not know
and takes a missing one for absent, so its parser would never notice. Walks the raw body instead."""
import json
import xml.etree.ElementTree as ElementTree

_TYPES = {"string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float),
          "double": (int, float), "timestamp": (int, float), "structure": dict, "map": dict,
          "list": list}
# What services are seen to answer although their models do not list it.
_UNLISTED = {("LastUpdateStatusReasonCode", "Creating"), ("EnvironmentHealth", "Ready"),
             ("EnvironmentHealth", "Updating")}


def problems(operation, response):
    """Sentences, one a problem, of a successful answer (botocore's response_dict)."""
    shape = operation.output_shape
    body = response["body"]
    if shape is None:
        return []
    payload = shape.serialization.get("payload")
    if payload:
        shape = shape.members[payload]
        if shape.type_name != "structure":
            return []
    if not isinstance(body, bytes) or not body.strip():
        members = _in_body(shape)
        return [f"{operation.name}: {name} is missing, the body is empty"
                for name in members if name in shape.required_members]
    protocol = getattr(operation.service_model, "resolved_protocol", None)
    protocol = protocol or operation.service_model.metadata["protocol"]
    found = []
    if protocol in ("json", "rest-json"):
        _json(operation.name, shape, json.loads(body), found)
    elif protocol in ("query", "rest-xml"):
        root = ElementTree.fromstring(body)
        if protocol == "query":
            root = _query_result(operation, root, found)
        if root is not None:
            _xml(operation.name, shape, root, found)
    return found


def _in_body(shape):
    return {name: member for name, member in shape.members.items()
            if member.serialization.get("location") is None}


def _name(member, name):
    return member.serialization.get("name", name)


def _unlisted(shape, value):
    words = getattr(shape, "enum", None)
    return words and value not in words and (shape.name, value) not in _UNLISTED


def _json(path, shape, value, found):
    kind = shape.type_name
    if value is None:
        found.append(f"{path} is null")
        return
    want = _TYPES.get(kind)
    if want and (not isinstance(value, want) or (kind != "boolean" and isinstance(value, bool))):
        # blobs and ISO timestamps are text
        if not (kind == "timestamp" and isinstance(value, str)):
            found.append(f"{path} is {type(value).__name__}, not {kind}")
        return
    if kind == "structure":
        members = {_name(m, n): (n, m) for n, m in _in_body(shape).items()}
        for key, inner in value.items():
            if key not in members:
                found.append(f"{path}.{key} is in no model")
            else:
                _json(f"{path}.{key}", members[key][1], inner, found)
        for key, (name, _) in members.items():
            if name in shape.required_members and key not in value:
                found.append(f"{path}.{key} is missing")
    elif kind == "list":
        for i, inner in enumerate(value):
            _json(f"{path}[{i}]", shape.member, inner, found)
    elif kind == "map":
        for key, inner in value.items():
            _json(f"{path}.{key}", shape.value, inner, found)
    elif kind == "string" and _unlisted(shape, value):
        found.append(f"{path} is {value!r}, not one of {shape.enum}")


def _local(element):
    return element.tag.rsplit("}", 1)[-1]


def _query_result(operation, root, found):
    """<XResponse><XResult>...</XResult><ResponseMetadata>...</XResponse>"""
    wrapper = operation.output_shape.serialization.get("resultWrapper")
    if _local(root) != operation.name + "Response":
        found.append(f"{operation.name}: the root is <{_local(root)}>")
        return None
    names = [_local(e) for e in root]
    if "ResponseMetadata" not in names:
        found.append(f"{operation.name}: no ResponseMetadata")
    for name in names:
        if name not in (wrapper, "ResponseMetadata"):
            found.append(f"{operation.name}: <{name}> beside the result")
    result = [e for e in root if _local(e) == wrapper]
    if wrapper and len(result) != 1:
        found.append(f"{operation.name}: {len(result)} <{wrapper}>")
        return None
    return result[0] if wrapper else None


def _xml(path, shape, element, found):
    kind = shape.type_name
    text = element.text or ""
    if kind == "structure":
        _xml_structure(path, shape, element, found)
    elif kind == "list":
        item = shape.member.serialization.get("name", "member")
        for i, inner in enumerate(element):
            if _local(inner) != item:
                found.append(f"{path}[{i}] is <{_local(inner)}>, not <{item}>")
            else:
                _xml(f"{path}[{i}]", shape.member, inner, found)
    elif kind in ("integer", "long"):
        try:
            int(text)
        except ValueError:
            found.append(f"{path} is {text!r}, not {kind}")
    elif kind == "boolean" and text not in ("true", "false"):
        found.append(f"{path} is {text!r}, not boolean")
    elif kind == "string" and _unlisted(shape, text):
        found.append(f"{path} is {text!r}, not one of {shape.enum}")


def _xml_structure(path, shape, element, found):
    members = {}
    for name, member in _in_body(shape).items():
        flat = member.type_name == "list" and member.serialization.get("flattened")
        inner = member.member.serialization.get("name") if flat else None
        members[inner or _name(member, name)] = (name, member.member if flat else member)
    present = set()
    for inner in element:
        key = _local(inner)
        if key not in members:
            found.append(f"{path}.{key} is in no model")
            continue
        present.add(key)
        _xml(f"{path}.{key}", members[key][1], inner, found)
    for key, (name, _) in members.items():
        if name in shape.required_members and key not in present:
            found.append(f"{path}.{key} is missing")
