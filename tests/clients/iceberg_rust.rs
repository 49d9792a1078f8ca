//! The REST client of iceberg-rust, with its own parquet writer.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures_util::TryStreamExt;
use iceberg::io::LocalFsStorageFactory;
use iceberg::spec::{DataFile, DataFileFormat, NestedField, PrimitiveType, Schema, Type};
use iceberg::table::Table;
use iceberg::transaction::{AddColumn, ApplyTransactionAction, Transaction};
use iceberg::writer::base_writer::data_file_writer::DataFileWriterBuilder;
use iceberg::writer::file_writer::ParquetWriterBuilder;
use iceberg::writer::file_writer::location_generator::{DefaultFileNameGenerator, DefaultLocationGenerator};
use iceberg::writer::file_writer::rolling_writer::RollingFileWriterBuilder;
use iceberg::writer::{IcebergWriter, IcebergWriterBuilder};
use iceberg::{Catalog, CatalogBuilder, ErrorKind, NamespaceIdent, TableCreation, TableIdent};
use iceberg_catalog_rest::{REST_CATALOG_PROP_URI, REST_CATALOG_PROP_WAREHOUSE, RestCatalog, RestCatalogBuilder};
use parquet::file::properties::WriterProperties;
use weir_tests::{Engine, TestServer, choose_tls, on_both_engines};

on_both_engines!(
    rows_are_appended_then_read_back,
    schema_with_properties_evolves,
    a_table_is_renamed_registered_dropped,
    a_missing_table_is_said_to_be_missing
);

async fn catalog(server: &TestServer) -> RestCatalog {
    choose_tls();
    let properties = HashMap::from([
        (REST_CATALOG_PROP_URI.to_owned(), format!("{}/catalog", server.weir.url())),
        (REST_CATALOG_PROP_WAREHOUSE.to_owned(), "default".to_owned()),
    ]);
    let builder = RestCatalogBuilder::default().with_storage_factory(Arc::new(LocalFsStorageFactory));
    builder.load("weir", properties).await.expect("the client starts")
}

async fn table(catalog: &RestCatalog, name: &str) -> Table {
    let namespace = NamespaceIdent::new("ns".to_owned());
    catalog.create_namespace(&namespace, HashMap::new()).await.expect("the namespace is created");
    let long = NestedField::required(1, "id", Type::Primitive(PrimitiveType::Long));
    let string = NestedField::optional(2, "city", Type::Primitive(PrimitiveType::String));
    let schema = Schema::builder().with_fields([Arc::new(long), Arc::new(string)]).build().expect("a schema");
    let creation = TableCreation::builder().name(name.to_owned()).schema(schema).build();
    catalog.create_table(&namespace, creation).await.expect("the table is created")
}

/// Writes one parquet file into the table's folder; the table does not know it yet.
async fn write(table: &Table, ids: &[i64]) -> Vec<DataFile> {
    let metadata = table.metadata();
    let parquet = ParquetWriterBuilder::new(WriterProperties::default(), metadata.current_schema().clone());
    let locations = DefaultLocationGenerator::new(metadata).expect("the table has a location");
    let names = DefaultFileNameGenerator::new(format!("part-{}", ids[0]), None, DataFileFormat::Parquet);
    let rolling =
        RollingFileWriterBuilder::new_with_default_file_size(parquet, table.file_io().clone(), locations, names);
    let mut writer = DataFileWriterBuilder::new(rolling).build(None).await.expect("the writer starts");
    let cities: Vec<String> = ids.iter().map(|id| format!("city {id}")).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(ids.to_vec())), Arc::new(StringArray::from(cities))];
    let arrow_schema = iceberg::arrow::schema_to_arrow_schema(metadata.current_schema()).expect("an arrow schema");
    let batch = RecordBatch::try_new(Arc::new(arrow_schema), columns).expect("columns fit the schema");
    writer.write(batch).await.expect("rows are written");
    writer.close().await.expect("the file is closed")
}

async fn append(catalog: &RestCatalog, table: &Table, ids: &[i64]) -> Table {
    let files = write(table, ids).await;
    let transaction = Transaction::new(table);
    let transaction = transaction.fast_append().add_data_files(files).apply(transaction).expect("an append");
    transaction.commit(catalog).await.expect("the append is committed")
}

async fn rows(table: &Table) -> usize {
    let scan = table.scan().build().expect("a scan").to_arrow().await.expect("the scan starts");
    let batches: Vec<RecordBatch> = scan.try_collect().await.expect("the rows are read");
    batches.iter().map(RecordBatch::num_rows).sum()
}

async fn rows_are_appended_then_read_back(engine: Engine) {
    let server = TestServer::start(engine).await;
    let catalog = catalog(&server).await;
    let table = table(&catalog, "cities").await;

    let table = append(&catalog, &table, &[1, 2, 3]).await;
    append(&catalog, &table, &[4, 5]).await;

    let fresh = catalog.load_table(table.identifier()).await.expect("the table is loaded");
    assert_eq!(rows(&fresh).await, 5);
    assert_eq!(fresh.metadata().snapshots().count(), 2);
}

async fn schema_with_properties_evolves(engine: Engine) {
    let server = TestServer::start(engine).await;
    let catalog = catalog(&server).await;
    let table = table(&catalog, "cities").await;
    let table = append(&catalog, &table, &[1]).await;

    let column = AddColumn::optional("country", Type::Primitive(PrimitiveType::String));
    let transaction = Transaction::new(&table);
    let transaction = transaction.update_schema().add_column(column).apply(transaction).expect("a new column");
    let transaction = transaction
        .update_table_properties()
        .set("owner".to_owned(), "ada".to_owned())
        .apply(transaction)
        .expect("a property");
    transaction.commit(&catalog).await.expect("both are committed at once");

    let fresh = catalog.load_table(table.identifier()).await.expect("the table is loaded");
    assert_eq!(fresh.metadata().current_schema().field_id_by_name("country"), Some(3));
    assert_eq!(fresh.metadata().properties().get("owner").map(String::as_str), Some("ada"));
    assert_eq!(rows(&fresh).await, 1);
}

async fn a_table_is_renamed_registered_dropped(engine: Engine) {
    let server = TestServer::start(engine).await;
    let catalog = catalog(&server).await;
    let table = table(&catalog, "cities").await;
    let table = append(&catalog, &table, &[1, 2]).await;
    let renamed = TableIdent::from_strs(["ns", "towns"]).expect("a name");

    catalog.rename_table(table.identifier(), &renamed).await.expect("the table is renamed");
    let location = catalog.load_table(&renamed).await.expect("the table is loaded");
    let location = location.metadata_location().expect("it has metadata").to_owned();
    catalog.drop_table(&renamed).await.expect("the table is dropped");
    assert!(!catalog.table_exists(&renamed).await.expect("the catalog answers"));

    let again = catalog.register_table(&renamed, location).await.expect("the table is registered");
    assert_eq!(again.metadata().uuid(), table.metadata().uuid());
    assert_eq!(rows(&again).await, 2);
}

async fn a_missing_table_is_said_to_be_missing(engine: Engine) {
    let server = TestServer::start(engine).await;
    let catalog = catalog(&server).await;
    table(&catalog, "cities").await;

    let missing = catalog.load_table(&TableIdent::from_strs(["ns", "absent"]).expect("a name")).await;

    assert_eq!(missing.expect_err("there is no such table").kind(), ErrorKind::TableNotFound);
}
