"""Checks rendered objects against the schemas of several versions of Kubernetes, then prints them as one JSON list.

    objects.py VERSION… < rendered.yaml
"""

import json
import sys

import kubernetes_validate
import yaml

# Kinds of other makers, of which Kubernetes itself has no schema.
FOREIGN = {"ServiceMonitor", "PrometheusRule", "HTTPRoute"}

objects = [found for found in yaml.safe_load_all(sys.stdin) if found]
problems = []
for version in sys.argv[1:]:
    for found in objects:
        name = f"{found['kind']} {found['metadata']['name']} on {version}"
        if found["kind"] in FOREIGN:
            continue
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            problems.append(f"{name}: {where}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            problems.append(f"{name}: {error.message}")
if problems:
    sys.exit("\n".join(problems))
json.dump(objects, sys.stdout)
