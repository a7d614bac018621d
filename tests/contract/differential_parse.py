"""Documents of the fuzzing corpora, and ones made up from a seed, read by tests/contract/diff_parse.c
and by Python's own parser: both must take the same ones, and read the same in them.

    differential_parse.py PROGRAM json|xml SEED CASES

Where we refuse more on purpose, the reason that we give must be the one that Python's reading shows:
a key twice, NUL, a document type, more depth or nodes than the limits allow.
"""
import glob
import json
import random
import re
import subprocess
import sys
import xml.parsers.expat

DEPTH_MAX = 64     # LIMIT_DOC_DEPTH
BYTES_MAX = 8 << 20  # LIMIT_API_BODY


class Refused(Exception):
    """The document is none."""


class OnPurpose(Exception):
    """It is a document, but one that we refuse: the argument says what our reasons may be."""


class Number(str):
    """A number as it is written."""


# --- JSON -----------------------------------------------------------------------------------------

def depth_of(value):
    deepest, rest = 0, [(value, 1)]
    while rest:
        value, depth = rest.pop()
        if isinstance(value, (list, dict)):
            deepest = max(deepest, depth)
            rest += [(v, depth + 1) for v in (value.values() if isinstance(value, dict) else value)]
    return deepest


def python_json(data):
    twice, nul = [], []

    def members(pairs):
        out = {halves(k): v for k, v in pairs}
        if len(out) != len(pairs):
            twice.append(True)
            nul.append(any_nul([v for pair in pairs for v in pair]))
        return out

    def constant(name):
        raise Refused(name)

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=members, parse_int=Number, parse_float=Number,
                           parse_constant=constant)
    except (ValueError, RecursionError) as e:
        raise Refused(str(e)) from e
    if twice and (any(nul) or any_nul(value)):
        raise OnPurpose("malformed or unsafe")
    if twice:
        raise OnPurpose("malformed")
    if any_nul(value):
        raise OnPurpose("unsafe")
    if depth_of(value) > DEPTH_MAX or len(data) > BYTES_MAX:
        raise OnPurpose("limit")
    return replaced(value)


def any_nul(value):
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += list(value) + list(value.values())
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, str) and "\0" in value:
            return True
    return False


def halves(text):
    """Half a surrogate pair is U+FFFD with us."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def replaced(value):
    if isinstance(value, dict):
        return {halves(k): replaced(v) for k, v in value.items()}
    if isinstance(value, list):
        return [replaced(v) for v in value]
    if isinstance(value, Number):
        return value
    return halves(value) if isinstance(value, str) else value


def our_json(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def random_json(rng, depth=0):
    kind = rng.randrange(9 if depth < 6 else 6)
    if kind < 2:
        return json.dumps(random_text(rng), ensure_ascii=rng.random() < 0.5)
    if kind < 4:
        return rng.choice(["0", "-0", "1", "-17", "1.5", "1e5", "1E+05", "-2.50e-3", "12345678901234567890",
                           "0.1", "1e400", "9007199254740993"])
    if kind < 6:
        return rng.choice(["true", "false", "null", "[]", "{}", '""'])
    space = rng.choice(["", " ", "\n", "\t\r\n "])
    items = [random_json(rng, depth + 1) for _ in range(rng.randrange(5))]
    if kind < 7:
        return f"[{space}" + f"{space},".join(items) + f"{space}]"
    return "{" + ",".join(f"{space}{json.dumps(random_text(rng))}{space}:{v}" for v in items) + "}"


def random_text(rng):
    return "".join(rng.choice(["a", "b", "key", "é", "日", "😀", "\n", "\"", "\\", "/", "\x1f", "\x7f",
                               "\u2028", " ", "\ud83d", "\0"]) for _ in range(rng.choice([0, 1, 2, 5]))
                   ) if rng.random() < 0.3 else rng.choice(["id", "jobs", "name", "x", "y", "z", "data"])


JSON_NOISE = [b"", b",", b":", b"]", b"}", b"[", b"{", b'"', b"\\", b"\\u12", b"\\ud83d", b"0", b"-", b".",
              b"e", b"01", b"+1", b"NaN", b"Infinity", b"//x\n", b"/*x*/", b"'", b"\xff", b"\xc3",
              b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x00", b"\xef\xbb\xbf", b"\x0b", b"\xc2\xa0", b"tru",
              b"\t", b"\n", b"\x1f", b"[" * 70, b"\\x", b"\\/", b"1.", b".5", b"1e", b"nul", b"True"]


# --- XML ------------------------------------------------------------------------------------------

def python_xml(data):
    elements, open_, found = [], [], {"doctype": False, "deepest": 0}
    parser = xml.parsers.expat.ParserCreate("UTF-8")  # AWS answers in nothing else
    parser.buffer_text = True

    def start(name, _):
        elements.append([len(open_), name.split(":")[-1], ""])
        open_.append(elements[-1])
        found["deepest"] = max(found["deepest"], len(open_))

    def text(s):
        open_[-1][2] += s

    def doctype(*_):
        found["doctype"] = True

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        data.decode("utf-8")  # a byte order mark of UTF-16 would win over what the parser was told
        parser.Parse(data, True)
    except (xml.parsers.expat.ExpatError, ValueError) as e:
        raise Refused(str(e)) from e
    if found["doctype"]:
        raise OnPurpose("unsafe")
    if found["deepest"] > DEPTH_MAX or len(data) > BYTES_MAX:
        raise OnPurpose("limit")
    return elements


def our_xml(text):
    return json.loads(text)


def random_xml(rng, depth=0):
    name = rng.choice(["a", "member", "Rule", "n:x", "é", "_1", "Error", "x-y.z"])
    attribute = rng.choice(["", "", ' xmlns="urn:x"', " k='v&amp;w'", ' xmlns:n="urn:n"'])
    parts = []
    for _ in range(rng.randrange(4)):
        kind = rng.randrange(7 if depth < 7 else 5)
        parts.append(random_xml(rng, depth + 1) if kind > 4 else rng.choice(
            ["text", " ", "\n", "\r\n", "&lt;&amp;&gt;&quot;&apos;", "&#65;&#x1F600;", "<![CDATA[<x>&]]>",
             "<!-- c -->", "<?p i?>", "日本", "\t"]))
    if not parts and rng.random() < 0.5:
        return f"<{name}{attribute}/>"
    return f"<{name}{attribute}>{''.join(parts)}</{name}>"


XML_NOISE = [b"", b"<", b">", b"&", b"&x;", b"&#0;", b"&#xD800;", b"</a>", b"<a", b"<a>", b"]]>", b"--",
             b"<!DOCTYPE a>", b'<!DOCTYPE a [<!ENTITY x "y">]>', b"<?xml version='1.0'?>", b"\xff", b"\x00",
             b"\xef\xbb\xbf", b"\x0b", b"<a>" * 70, b" x='1' x='2'", b"\xed\xa0\x80", b"<?xml version='1.0' "
             b"encoding='ISO-8859-1'?>", b"<?xml version='1.1'?>", b"<!ELEMENT a ANY>", b"\xc3", b"\n"]

KINDS = {"json": (python_json, our_json, random_json, JSON_NOISE),
         "xml": (python_xml, our_xml, random_xml, XML_NOISE)}


# --- both -----------------------------------------------------------------------------------------

def documents(kind, rng, cases):
    make, noise = KINDS[kind][2:]
    for path in sorted(glob.glob(f"tests/fuzz/corpus/{kind}/*")):
        with open(path, "rb") as f:
            yield path, f.read()
    for i in range(cases):
        data = make(rng).encode("utf-8", "surrogatepass")
        for _ in range(rng.choice([0, 0, 1, 2])):
            at = rng.randrange(len(data) + 1)
            data = data[:at] + rng.choice(noise) + data[at + rng.choice([0, 0, 1]):]
        yield f"case {i}", data


def agrees(kind, data, answer):
    """None, or what is different."""
    read, ours = KINDS[kind][:2]
    verdict, _, rest = answer.partition(" ")
    try:
        want = read(data)
    except Refused as e:
        return None if verdict == "no" else f"Python refuses it: {e}"
    except OnPurpose as e:
        reasons = str(e).split(" or ")
        return None if verdict == "no" and rest.split(" ")[0] in reasons else \
            f"it should be refused: {e}"
    if verdict == "no":
        return "Python takes it"
    return None if ours(rest) == want else f"Python reads {want!r}"


def main():
    program, kind, seed, cases = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    sys.setrecursionlimit(10000)
    passed = total = taken = 0
    with subprocess.Popen([program, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ours:
        for name, data in documents(kind, random.Random(seed), cases):
            ours.stdin.write(b"%d\n%s" % (len(data), data))
            ours.stdin.flush()
            answer = ours.stdout.readline().decode("utf-8").rstrip("\n")
            different = agrees(kind, data, answer)
            total += 1
            taken += answer.startswith("ok")
            passed += different is None
            if different:
                print(f"not ok {kind}, seed {seed}, {name}: {data[:300]!r}\n  ours: {answer[:300]}\n"
                      f"  {different[:300]}")
        ours.stdin.close()
    print(f"# {kind}: {passed} of {total} documents read alike, {taken} of them taken")
    if passed == total:
        print(f"ok {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
