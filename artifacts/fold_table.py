#!/usr/bin/env python3
"""Print fold_table.h: case folding, canonical decomposition and classes of combining marks, from the
Unicode data of Python's standard library.

    artifacts/fold_table.py >artifacts/fold_table.h
"""
import unicodedata

IOTA_BELOW = "\u0345"  # a mark while marks are ordered; fold.c makes it a letter afterwards


def becomes(c):
    text = unicodedata.normalize("NFD", c)
    folded = "".join(x if x == IOTA_BELOW else x.casefold() for x in text)
    return unicodedata.normalize("NFD", folded)


def characters():
    for code in range(0x110000):
        # surrogates are no characters, syllables of Hangul are composed by arithmetic, and the
        # compatibility ideographs are a thousand that fold.h leaves out
        if not (0xD800 <= code < 0xE000 or 0xAC00 <= code < 0xD7A4 or
                0xF900 <= code < 0xFB00 or 0x2F800 <= code < 0x2FA20):
            yield code


def runs(single):
    """[first, last, distance to what it becomes, every one or every other]"""
    out = []
    for code, to in single:
        if out:
            run = out[-1]
            step = code - run[1]
            alone = run[0] == run[1]
            if to - code == run[2] and step in (1, 2) and (alone or run[3] == step - 1):
                run[1] = code
                run[3] = step - 1
                continue
        out.append([code, code, to - code, 0])
    return out


def classes():
    out = []
    for code in characters():
        value = unicodedata.combining(chr(code))
        if value and out and out[-1][1] == code - 1 and out[-1][2] == value:
            out[-1][1] = code
        elif value:
            out.append([code, code, value])
    return out


def table(kind, name, rows):
    print(f"static const struct {kind} {name}[] = {{")
    line = "\t"
    for row in rows:
        if len(line) + len(row) > 91:
            print(line.rstrip())
            line = "\t"
        line += row + ", "
    print(line.rstrip())
    print("};\n")


def main():
    changed = {c: becomes(chr(c)) for c in characters() if becomes(chr(c)) != chr(c)}
    single = [(c, ord(to)) for c, to in changed.items() if len(to) == 1]
    many = [(c, to) for c, to in changed.items() if len(to) > 1]
    print(f"""#ifndef ARTIFACTS_FOLD_TABLE_H
#define ARTIFACTS_FOLD_TABLE_H

#include <stdint.h>

/*
 * Inside of fold.c. Made by fold_table.py from the Unicode Character Database {unicodedata.unidata_version}.
 */
struct fold_run {{
	uint32_t first, last;
	int32_t add;  /* to get what it becomes */
	uint32_t odd; /* 1: every other character only */
}};
struct fold_many {{
	uint32_t from, to[4];
}};
struct fold_class {{
	uint32_t first, last, class;
}};
""")
    table("fold_run", "fold_runs",
          ["{%#x,%#x,%d,%d}" % tuple(run) for run in runs(single)])
    table("fold_many", "fold_many",
          ["{%#x,{%s}}" % (c, ",".join("%#x" % ord(x) for x in to)) for c, to in many])
    table("fold_class", "fold_classes", ["{%#x,%#x,%d}" % tuple(c) for c in classes()])
    print("#endif")


main()
