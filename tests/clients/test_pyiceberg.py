"""PyIceberg against a running catalog: what a data engineer does on the first day, then on the hundredth."""

import pyarrow as pa
import pytest
import requests
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import IntegerType, LongType, NestedField, StringType, TimestampType
from pyiceberg.view.metadata import SQLViewRepresentation, ViewRepresentation, ViewVersion

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "city": ["Oslo", "Pune", "Quito"]})
MORE = pa.table({"id": pa.array([4, 5], pa.int64()), "city": ["Rome", "Suva"]})


@pytest.fixture
def catalog(uri, ns):
    catalog = load_catalog("weir", type="rest", uri=f"{uri}/catalog", warehouse="default")
    catalog.create_namespace(ns)
    return catalog


@pytest.fixture
def table(catalog, ns):
    return catalog.create_table(f"{ns}.cities", schema=ROWS.schema)


def ids(table, **scan):
    return sorted(table.scan(**scan).to_arrow()["id"].to_pylist())


def test_namespaces_nest_and_carry_properties(catalog, ns):
    catalog.create_namespace((ns, "deep"), {"owner": "ada", "stage": "raw"})

    summary = catalog.update_namespace_properties((ns, "deep"), removals={"stage", "absent"}, updates={"owner": "grace"})

    assert (ns,) in catalog.list_namespaces()
    assert catalog.list_namespaces(ns) == [(ns, "deep")]
    assert catalog.load_namespace_properties((ns, "deep"))["owner"] == "grace"
    assert (summary.updated, summary.removed, summary.missing) == (["owner"], ["stage"], ["absent"])


def test_a_namespace_is_created_once_and_dropped_when_empty(catalog, ns, table):
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(ns)
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(ns)

    catalog.drop_table(f"{ns}.cities")
    catalog.drop_namespace(ns)

    assert not catalog.namespace_exists(ns)
    with pytest.raises(NoSuchNamespaceError):
        catalog.list_tables(ns)


def test_appended_rows_are_read_back(catalog, ns, table):
    table.append(ROWS)
    table.append(MORE)

    fresh = catalog.load_table(f"{ns}.cities")
    assert ids(fresh) == [1, 2, 3, 4, 5]
    assert ids(fresh, snapshot_id=fresh.history()[0].snapshot_id) == [1, 2, 3]
    assert ids(fresh, row_filter="id > 3") == [4, 5]


def test_the_metadata_log_and_file_numbers_grow_with_each_commit(catalog, ns, table):
    table.append(ROWS)
    table.append(MORE)

    fresh = catalog.load_table(f"{ns}.cities")
    names = [entry.metadata_file.rsplit("/", 1)[1] for entry in fresh.metadata.metadata_log]
    assert [name.split("-")[0] for name in names] == ["00000", "00001"]
    assert fresh.metadata_location.rsplit("/", 1)[1].startswith("00002-")


def test_rows_are_deleted_overwritten_and_upserted(catalog, ns, table):
    table.append(ROWS)
    table.delete("id = 2")
    table.overwrite(pa.table({"id": pa.array([3], pa.int64()), "city": ["Quebec"]}), overwrite_filter="id = 3")
    upserted = pa.table({"id": pa.array([1, 9], pa.int64()), "city": ["Ottawa", "Nome"]})
    table.upsert(upserted, join_cols=["id"])

    rows = catalog.load_table(f"{ns}.cities").scan().to_arrow().sort_by("id").to_pydict()
    assert rows == {"id": [1, 3, 9], "city": ["Ottawa", "Quebec", "Nome"]}


def test_the_schema_evolves(catalog, ns):
    schema = Schema(NestedField(1, "id", IntegerType()), NestedField(2, "city", StringType()))
    table = catalog.create_table(f"{ns}.cities", schema=schema)
    table.append(pa.table({"id": pa.array([1], pa.int32()), "city": ["Oslo"]}))

    with table.update_schema() as update:
        update.add_column("country", StringType())
        update.rename_column("city", "town")
        update.update_column("id", field_type=LongType())
        update.move_first("country")
    with table.update_schema() as update:
        update.delete_column("town")

    fresh = catalog.load_table(f"{ns}.cities")
    assert [(f.field_id, f.name) for f in fresh.schema().fields] == [(3, "country"), (1, "id")]
    assert fresh.scan().to_arrow().to_pydict() == {"country": [None], "id": [1]}
    assert len(fresh.schemas()) == 3


def test_the_partition_spec_evolves(catalog, ns, table):
    table.append(ROWS)
    with table.update_spec() as update:
        update.add_field("id", BucketTransform(4), "bucket")
    table.append(MORE)
    with table.update_spec() as update:
        update.remove_field("bucket")
        update.add_identity("city")
    table.append(pa.table({"id": pa.array([6], pa.int64()), "city": ["Turku"]}))

    fresh = catalog.load_table(f"{ns}.cities")
    assert [field.name for field in fresh.spec().fields] == ["city"]
    assert len(fresh.specs()) == 3
    assert ids(fresh) == [1, 2, 3, 4, 5, 6]
    assert ids(fresh, row_filter="city = 'Turku'") == [6]


def test_a_table_is_created_partitioned_and_sorted(catalog, ns):
    schema = Schema(NestedField(1, "at", TimestampType(), required=True), NestedField(2, "city", StringType()))
    table = catalog.create_table(
        f"{ns}.visits",
        schema=schema,
        partition_spec=PartitionSpec(PartitionField(1, 1000, DayTransform(), "day")),
        sort_order=SortOrder(SortField(2, IdentityTransform())),
        properties={"owner": "ada", "write.format.default": "parquet"},
    )

    assert table.spec().fields[0].name == "day"
    assert table.spec().spec_id == 0
    assert table.sort_order().order_id == 1
    assert table.properties["owner"] == "ada"


def test_branches_and_tags_keep_old_snapshots_reachable(catalog, ns, table):
    table.append(ROWS)
    first = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_tag(first, "v1").create_branch(first, "audit").commit()
    table.append(MORE, branch="audit")
    table.append(pa.table({"id": pa.array([7], pa.int64()), "city": ["Ulm"]}))

    fresh = catalog.load_table(f"{ns}.cities")
    audit = fresh.snapshot_by_name("audit").snapshot_id
    assert ids(fresh) == [1, 2, 3, 7]
    assert ids(fresh, snapshot_id=audit) == [1, 2, 3, 4, 5]
    assert fresh.snapshot_by_name("v1").snapshot_id == first

    fresh.manage_snapshots().remove_tag("v1").remove_branch("audit").commit()
    assert set(catalog.load_table(f"{ns}.cities").refs()) == {"main"}


def test_an_old_snapshot_becomes_current_again(catalog, ns, table):
    table.append(ROWS)
    first = table.current_snapshot().snapshot_id
    table.append(MORE)

    table.manage_snapshots().rollback_to_snapshot(first).commit()

    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3]


def test_a_transaction_over_one_table_is_one_commit(catalog, ns, table):
    with table.transaction() as transaction:
        transaction.append(ROWS)
        with transaction.update_schema() as update:
            update.add_column("country", StringType())
        transaction.set_properties(owner="ada")

    fresh = catalog.load_table(f"{ns}.cities")
    assert len(fresh.metadata.metadata_log) == 1
    assert (ids(fresh), fresh.properties["owner"]) == ([1, 2, 3], "ada")


def test_a_staged_table_exists_only_when_its_transaction_ends(catalog, ns):
    with catalog.create_table_transaction(f"{ns}.staged", schema=ROWS.schema) as transaction:
        assert not catalog.table_exists(f"{ns}.staged")
        transaction.append(ROWS)

    assert ids(catalog.load_table(f"{ns}.staged")) == [1, 2, 3]


def test_a_stale_writer_is_told_that_the_table_has_moved(catalog, ns, table):
    stale = catalog.load_table(f"{ns}.cities")
    table.update_schema().add_column("a", StringType()).commit()

    with pytest.raises(CommitFailedException, match="Requirement failed: current schema changed"):
        stale.update_schema().add_column("b", StringType()).commit()


def test_properties_are_set_and_removed(catalog, ns, table):
    table.transaction().set_properties({"a": "1", "b": "2"}).commit_transaction()
    table.transaction().remove_properties("a").commit_transaction()

    assert "a" not in catalog.load_table(f"{ns}.cities").properties
    assert catalog.load_table(f"{ns}.cities").properties["b"] == "2"


def test_a_table_is_renamed_across_namespaces_with_its_data(catalog, ns, table):
    table.append(ROWS)
    catalog.create_namespace((ns, "archive"))

    catalog.rename_table(f"{ns}.cities", (ns, "archive", "towns"))

    assert catalog.list_tables(ns) == []
    assert catalog.list_tables((ns, "archive")) == [(ns, "archive", "towns")]
    assert ids(catalog.load_table((ns, "archive", "towns"))) == [1, 2, 3]


def test_a_dropped_table_is_gone_and_can_be_registered_again(catalog, ns, table):
    table.append(ROWS)
    metadata_location = table.metadata_location

    catalog.drop_table(f"{ns}.cities")
    with pytest.raises(NoSuchTableError):
        catalog.load_table(f"{ns}.cities")

    again = catalog.register_table(f"{ns}.cities", metadata_location)
    assert ids(again) == [1, 2, 3]
    assert again.metadata.table_uuid == table.metadata.table_uuid
    with pytest.raises(TableAlreadyExistsError):
        catalog.register_table(f"{ns}.cities", metadata_location)


def test_a_purged_table_is_gone(catalog, ns, table):
    table.append(ROWS)

    catalog.purge_table(f"{ns}.cities")

    assert not catalog.table_exists(f"{ns}.cities")


def test_a_view_is_created_loaded_listed_and_dropped(catalog, ns):
    version = ViewVersion(
        version_id=1,
        schema_id=0,
        summary={"engine-name": "pyiceberg"},
        representations=[ViewRepresentation(SQLViewRepresentation(type="sql", sql="SELECT 1 AS id", dialect="spark"))],
        default_namespace=(ns,),
    )
    schema = Schema(NestedField(1, "id", LongType()))

    created = catalog.create_view(f"{ns}.one", schema, version, properties={"comment": "one row"})

    assert catalog.list_views(ns) == [(ns, "one")]
    assert catalog.view_exists(f"{ns}.one")
    assert catalog.load_view(f"{ns}.one").metadata.view_uuid == created.metadata.view_uuid
    catalog.drop_view(f"{ns}.one")
    assert not catalog.view_exists(f"{ns}.one")


def test_pages_hold_every_table_once(uri, catalog, ns):
    for number in range(7):
        catalog.create_table(f"{ns}.t{number}", schema=ROWS.schema)
    paged = load_catalog("paged", type="rest", uri=f"{uri}/catalog", warehouse="default", **{"rest-page-size": "3"})

    assert paged.list_tables(ns) == [(ns, f"t{number}") for number in range(7)]


def test_names_of_any_script_survive(catalog, ns):
    name = "Zürich 東京 + 50%.csv"
    catalog.create_namespace((ns, name))
    catalog.create_table((ns, name, name), schema=ROWS.schema)

    assert catalog.list_tables((ns, name)) == [(ns, name, name)]
    assert catalog.load_table((ns, name, name)).name() == (ns, name, name)


def test_a_table_of_each_format_version_is_loaded(catalog, uri, prefix, ns):
    for version in ("1", "2", "3"):
        table = catalog.create_table(f"{ns}.v{version}", schema=ROWS.schema, properties={"format-version": version})
        assert table.format_version == int(version)
        assert "format-version" not in table.properties


def test_a_transaction_over_two_tables_changes_both_or_none(catalog, uri, prefix, ns, table):
    other = catalog.create_table(f"{ns}.other", schema=ROWS.schema)

    def change(table, uuid):
        return {
            "identifier": {"namespace": [ns], "name": table.name()[-1]},
            "requirements": [{"type": "assert-table-uuid", "uuid": str(uuid)}],
            "updates": [{"action": "set-properties", "updates": {"seen": "yes"}}],
        }

    def send(first, second):
        url = f"{uri}/catalog/v1/{prefix}/transactions/commit"
        return requests.post(url, json={"table-changes": [first, second]}, timeout=30)

    wrong = "00000000-0000-0000-0000-00000000dead"
    refused = send(change(table, table.metadata.table_uuid), change(other, wrong))
    assert (refused.status_code, "seen" in catalog.load_table(f"{ns}.cities").properties) == (409, False)

    done = send(change(table, table.metadata.table_uuid), change(other, other.metadata.table_uuid))
    assert done.status_code == 204
    assert catalog.load_table(f"{ns}.cities").properties["seen"] == "yes"
    assert catalog.load_table(f"{ns}.other").properties["seen"] == "yes"
