#!/usr/bin/env python3
"""The bill of materials of the programs: CycloneDX 1.6 from what Cargo resolved.

    tools/sbom.py > insiders.cdx.json

Every crate of Cargo.lock with its version, licence, checksum and what it depends on. The same
lock gives the same bytes: there is no date and no random number in it.
"""

import json
import pathlib
import subprocess
import tomllib
import uuid
from urllib.parse import quote

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    own = set(metadata["workspace_members"])

    def component(package):
        found = {
            "type": "application" if package["id"] in own else "library",
            "bom-ref": purl(package),
            "name": package["name"],
            "version": package["version"],
            "scope": "required" if package["id"] in needed else "excluded",
            "purl": purl(package),
        }
        if package["license"]:
            # Before SPDX had `OR`, crates wrote a slash.
            found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if checksum := checksums.get((package["name"], package["version"])):
            found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return found

    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    needed = shipped(nodes, own)
    order = sorted(packages.values(), key=purl)
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "insiders", "name": "insiders"}},
        "components": [component(package) for package in order],
        "dependencies": [{"ref": "insiders", "dependsOn": sorted(purl(packages[id]) for id in own)}]
        + [
            {
                "ref": purl(package),
                "dependsOn": sorted({purl(packages[d]) for d in nodes[package["id"]]["dependencies"]}),
            }
            for package in order
        ],
    }
    # Named by what it says.
    body = json.dumps(bom, sort_keys=True)
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, body)}"
    print(json.dumps(bom, indent=2))


def purl(package):
    return f"pkg:cargo/{quote(package['name'])}@{quote(package['version'])}"


def shipped(nodes, own):
    """What the programs are made of, or made with: not what the tests alone need."""
    found, open_ = set(), list(own)
    while open_:
        node = open_.pop()
        if node not in found:
            found.add(node)
            open_ += [
                dependency["pkg"]
                for dependency in nodes[node]["deps"]
                if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])
            ]
    return found


if __name__ == "__main__":
    main()
