"""Moves every namespace and table of one Iceberg REST catalog to another one, by register: no data is copied.

    SOURCE_URI=http://lakekeeper:8181/catalog SOURCE_WAREHOUSE=lake TARGET_URI=http://weir:8181/catalog TARGET_WAREHOUSE=lake \
        python move.py

It may be run again: what is there already, at the same metadata, is left alone. What cannot be moved is named, and the exit code is 1.
"""

import os
import sys

from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, TableAlreadyExistsError


def catalog(name):
    prefix = name.upper()
    properties = {"type": "rest", "uri": os.environ[f"{prefix}_URI"], "warehouse": os.environ[f"{prefix}_WAREHOUSE"]}
    for setting in ("token", "credential"):
        if value := os.environ.get(f"{prefix}_{setting.upper()}"):
            properties[setting] = value
    return load_catalog(name, **properties)


def namespaces(source, parent=()):
    for namespace in source.list_namespaces(parent):
        yield namespace
        yield from namespaces(source, namespace)


def move(source, target):
    moved, failed = 0, []
    for namespace in namespaces(source):
        try:
            target.create_namespace(namespace, source.load_namespace_properties(namespace))
        except NamespaceAlreadyExistsError:
            pass
        for identifier in source.list_tables(namespace):
            location = source.load_table(identifier).metadata_location
            name = ".".join(identifier)
            try:
                target.register_table(identifier, location)
            except TableAlreadyExistsError:
                found = target.load_table(identifier).metadata_location
                if found != location:
                    failed.append(f"{name}: the target has it at {found}, the source at {location}")
                continue
            except Exception as error:  # Each table by itself: one that cannot be read must not stop the others.
                failed.append(f"{name}: {error}")
                continue
            moved += 1
            print(f"{name}: {location}")
    return moved, failed


moved, failed = move(catalog("source"), catalog("target"))
print(f"moved {moved} tables")
if failed:
    sys.exit("not moved:\n  " + "\n  ".join(failed))
