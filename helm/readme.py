#!/usr/bin/env python3
"""Writes the table of values into helm/README.md: helm/readme.py [--check].

Each comment in values.yaml explains the key below it; a key without a comment is part of the default above it.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
BEGIN, END = "<!-- values: begin, made by helm/readme.py -->\n", "<!-- values: end -->\n"
KEY = re.compile(r"^( *)([A-Za-z]\w*):(?: (.*))?$")


def rows(lines):
    """The explained values as (path, default, explanation); a section has an empty default."""
    path, comment, found = [], [], []
    for line in lines:
        if line.lstrip().startswith("#"):
            comment.append(line.strip("# \n"))
            continue
        key = KEY.match(line)
        if not key or not comment:
            comment = comment if line.strip() else []
            if key or line.strip():
                fold(found, line)
            continue
        depth = len(key[1]) // 2
        path = path[:depth] + [key[2]]
        found.append([".".join(path), key[3] or "", " ".join(comment)])
        comment = []
    return found


def fold(found, line):
    """A line without an explanation belongs to the default of the value before it."""
    if found and line.strip():
        found[-1][1] = " ".join([found[-1][1], line.strip()]).strip()


def table():
    lines = (HERE / "weir" / "values.yaml").read_text().splitlines()
    out = ["| Value | Default | What it is |", "|---|---|---|"]
    for path, default, explanation in rows(lines):
        shown = f"`{default}`" if default else ""
        out.append(f"| `{path}` | {shown} | {explanation} |".replace("||", "| |"))
    return "\n".join(out) + "\n"


def main():
    readme = HERE / "README.md"
    text = readme.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    made = f"{head}{BEGIN}\n{table()}\n{END}{tail}"
    if "--check" not in sys.argv:
        readme.write_text(made)
    elif made != text:
        sys.exit("helm/README.md does not tell the values as they are: run helm/readme.py")


main()
