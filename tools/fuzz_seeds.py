"""usage: fuzz_seeds.py TARGET FOLDER

Writes into FOLDER what tools/fuzz_seeds.tsv makes of the published vectors below $TAM_VECTORS for TARGET; prints
how many. Nothing where TAM_VECTORS is unset. A vector that has no such part is left out.
"""

import json
import os
import pathlib
import re
import sys


def head(data, at):
    """(major type, argument, where its content begins) of the CBOR item at `at`."""
    major, low = data[at] >> 5, data[at] & 31
    if low < 24:
        return major, low, at + 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}[low]
    return major, int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size


def end(data, at):
    """Where the item at `at` ends."""
    major, argument, content = head(data, at)
    if major in (2, 3):
        return content + argument
    for _ in range({4: argument, 5: 2 * argument, 6: 1}.get(major, 0)):
        content = end(data, content)
    return content


def untagged(data):
    at = 0
    while data[at] >> 5 == 6:
        at = head(data, at)[2]
    return at


def byte_string(data, at):
    major, size, content = head(data, at)
    if major != 2:
        raise ValueError("no byte string")
    return data[content:content + size]


def payload(data):
    """The third element of a COSE message."""
    major, count, at = head(data, untagged(data))
    if major != 4 or count < 3:
        raise ValueError("no COSE message")
    return byte_string(data, end(data, end(data, at)))


def manifest(data):
    """The member 3 of a SUIT envelope."""
    major, count, at = head(data, untagged(data))
    if major != 5:
        raise ValueError("no envelope")
    for _ in range(count):
        value = end(data, at)
        if data[at] == 3:
            return byte_string(data, value)
        at = end(data, value)
    raise ValueError("no manifest")


FORMS = {"as-is": bytes, "payload": payload, "manifest": manifest}


def seeds(target, root):
    rows = [line.rstrip("\n").split("\t") for line in open(pathlib.Path(__file__).with_suffix(".tsv"), encoding="utf-8")
            if not line.startswith("#")]
    index = json.loads((root / "index.json").read_text(encoding="utf-8"))
    for _, kinds, form in (row for row in rows if row[0] == target):
        prefix, _, form = form.rpartition("+")
        for entry in index:
            if not re.fullmatch(kinds, entry["kind"]):
                continue
            try:
                yield bytes.fromhex(prefix) + FORMS[form]((root / entry["file"]).read_bytes())
            except (ValueError, KeyError, IndexError):
                continue


def main():
    target, folder = sys.argv[1:]
    root = os.environ.get("TAM_VECTORS")
    count = 0
    if root:
        for seed in seeds(target, pathlib.Path(root) / "protocol" / "vectors"):
            (pathlib.Path(folder) / f"vector-{count}").write_bytes(seed)
            count += 1
    print(count)


if __name__ == "__main__":
    main()
