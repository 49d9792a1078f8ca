"""The policy of ../policy-plugin in Python: readers read, owners do everything, what is frozen stays as it is."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import Description, Problem
from wit_world.imports.types import Effect, Value_Text, Verdict

SETTINGS_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "readers": {"type": "array", "items": {"type": "string"}},
        "frozen": {"type": "array", "items": {"type": "string"}},
        "owner-property": {"type": "string"},
    },
}

ALLOW, DENY, ABSTAIN = (Effect.ALLOW, Effect.DENY, Effect.ABSTAIN)
settings = {}


class Lifecycle(exports.Lifecycle):
    def describe(self):
        return Description(
            name="python-policy",
            version="0.1.0",
            summary="Readers read, owners do everything, what is frozen stays as it is",
            settings_schema=json.dumps(SETTINGS_SCHEMA),
            secrets=[],
            egress=[],
            claims=[],
        )

    def configure(self, settings_json):
        given = json.loads(settings_json or "{}")
        unknown = [Problem(f"/{key}", "is no setting of this policy") for key in given if key not in SETTINGS_SCHEMA["properties"]]
        if unknown:
            raise Err(unknown)
        settings.clear()
        settings.update(given)


class Authorizer(exports.Authorizer):
    def authorize(self, c, checks):
        return [decide(c.principal, check.action, check.object) for check in checks]

    def authorize_many(self, c, items):
        effects = []
        for at, name in enumerate(items.names):
            facts = {column.key: column.values[at] for column in items.columns}
            above = items.namespaces[items.namespace_of[at]]
            verdict = judge(c.principal, items.action, items.kind, name, above, facts)
            effects.append({DENY: 0, ALLOW: 1, ABSTAIN: 2}[verdict.effect])
        return bytes(effects)


def decide(principal, action, thing):
    facts = {attribute.key: attribute.value for attribute in thing.attributes}
    return judge(principal, action, thing.kind, thing.name, thing.namespace, facts)


def judge(principal, action, kind, name, above, facts):
    """Denies what it forbids, allows what it knows to be right, leaves the rest to others."""
    verb = action.partition(":")[2]
    reads = verb in ("describe", "read", "report-metrics") or verb.startswith("list-")
    path = ".".join([step.name for step in above] + ([name] if kind == "namespace" else []))
    if not reads:
        for frozen in settings.get("frozen", []):
            if path == frozen or path.startswith(frozen + "."):
                return Verdict(DENY, "frozen", f"`{frozen}` is frozen")
    owner = facts.get("property." + settings.get("owner-property", "owner"))
    names = [principal.id, *principal.roles]
    if isinstance(owner, Value_Text) and owner.value in names:
        return Verdict(ALLOW, "owner", None)
    if reads and any(reader in names for reader in settings.get("readers", [])):
        return Verdict(ALLOW, "reader", None)
    return Verdict(ABSTAIN, None, None)
