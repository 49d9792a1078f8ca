#!/usr/bin/env python3
"""Writes the software bill of materials of the program as CycloneDX 1.5: sbom.py [FEATURE…] > weir.cdx.json

It holds what `cargo metadata` resolves for the program and, with the feature `bundled`, for the plugins inside of it: normal
and build dependencies of this platform, not those of tests. Equal inputs make equal files.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent


def metadata(manifest, features):
    host = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    target = next(line.split()[1] for line in host.splitlines() if line.startswith("host:"))
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--manifest-path", str(TOP / manifest)]
    command += ["--filter-platform", target]
    if features:
        command += ["--features", ",".join(features)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def reached(graph, roots):
    """The packages that the roots are made of, by id, with what each of them needs."""
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    needs, todo = {}, list(roots)
    while todo:
        package = todo.pop()
        if package in needs:
            continue
        made_of = [
            dep["pkg"]
            for dep in nodes[package]["deps"]
            if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])
        ]
        needs[package] = sorted(made_of)
        todo.extend(made_of)
    return needs


def checksums(lock):
    """The sha256 that a lock file holds of each package."""
    found, package = {}, {}
    for line in (TOP / lock).read_text().splitlines():
        if line == "[[package]]":
            package = {}
        key, _, value = line.partition(" = ")
        package[key] = value.strip('"')
        if key == "checksum":
            found[package["name"], package["version"]] = package["checksum"]
    return found


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, hashes, kind="library"):
    made = {
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    digest = hashes.get((package["name"], package["version"]))
    if digest:
        made["hashes"] = [{"alg": "SHA-256", "content": digest}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def bill(features):
    host = metadata("Cargo.toml", [f"weir/{feature}" for feature in features])
    graphs = [(host, "Cargo.lock", ["weir"])]
    if "bundled" in features:
        plugins = metadata("plugins/Cargo.toml", [])
        bundled = [
            package["name"]
            for package in plugins["packages"]
            if package["name"].startswith("weir-plugin-") and any("cdylib" in t["kind"] for t in package["targets"])
        ]
        graphs.append((plugins, "plugins/Cargo.lock", bundled))
    components, dependencies, program = {}, {}, None
    for graph, lock, names in graphs:
        packages = {package["id"]: package for package in graph["packages"]}
        hashes = checksums(lock)
        roots = [package["id"] for package in graph["packages"] if package["name"] in names and not package["source"]]
        for id, needs in reached(graph, roots).items():
            package = packages[id]
            ref = purl(package)
            dependencies.setdefault(ref, set()).update(purl(packages[need]) for need in needs)
            if package["name"] == "weir":
                program = component(package, hashes, "application")
            else:
                components[ref] = component(package, hashes)
    # The plugins are inside of the program, so it depends on them.
    for _, _, names in graphs[1:]:
        dependencies[program["bom-ref"]].update(ref for ref in components if ref.split("/")[1].split("@")[0] in names)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": program, "properties": [{"name": "cargo:features", "value": ",".join(features)}]},
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needs)} for ref, needs in sorted(dependencies.items())],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["serialNumber"] = f"urn:uuid:{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    return document


if __name__ == "__main__":
    os.environ.pop("CARGO_BUILD_TARGET", None)
    json.dump(bill(sys.argv[1:]), sys.stdout, indent=1)
    print()
