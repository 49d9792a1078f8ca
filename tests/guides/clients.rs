//! The scripts of the examples, against a real catalog.

use std::path::{Path, PathBuf};

use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, TestServer, on_both_engines, run_on};

pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

on_both_engines!(the_quickstart_ends_with_a_table_that_was_read_back);

async fn the_quickstart_ends_with_a_table_that_was_read_back(engine: Engine) {
    let Some(mut python) = python("venv") else { return };
    let server = TestServer::start(engine).await;
    python.arg("-B").arg(examples().join("quickstart/quickstart.py")).env("WEIR_URI", server.weir.url());

    let said = succeed(python);

    assert!(said.contains(r#""DE""#), "{said}");
    assert!(said.contains("kept under file://"), "{said}");
}

#[test]
fn the_sql_for_duckdb_works_as_it_stands() {
    run_on(Engine::Sqlite, |engine| async move {
        let Some(mut python) = python("venv") else { return };
        let server = TestServer::start(engine).await;
        let sql = std::fs::read_to_string(examples().join("duckdb/orders.sql")).expect("readable");
        // A test fetches nothing: the extension comes from a package, the catalog is another one.
        let sql = sql.replace("INSTALL iceberg;", "").replace("http://127.0.0.1:8181", &server.weir.url());
        let program = "import sys, duckdb\n\
            from duckdb_extensions import import_extension\n\
            connection = duckdb.connect(config={'extension_directory': sys.argv[1]})\n\
            for name in ('httpfs', 'avro', 'iceberg'): import_extension(name, con=connection)\n\
            print(connection.execute(sys.argv[2]).fetchall())";
        let folder = server.installation.home().join("extensions");
        python.args(["-B", "-c", program]).arg(folder).arg(sql);

        let said = succeed(python);

        let rows = said.lines().last().unwrap_or_default();
        assert_eq!(rows, "[('DE', 990, Decimal('749182.5')), ('FR', 1, Decimal('0.0'))]");
    });
}

#[test]
fn the_script_for_spark_works() {
    run_on(Engine::Sqlite, |engine| async move {
        if !is_full_lane() {
            eprintln!("skipped: Spark takes minutes, `make test-full` runs it");
            return;
        }
        let Some(mut python) = python("spark") else { return };
        let server = TestServer::start(engine).await;
        let home = Path::new(python.get_program()).ancestors().nth(2).expect("bin/python").join("lib");
        let jar = find(&home, "iceberg-spark-runtime-3.5_2.12-").expect("the runtime is installed");
        python
            .arg("-B")
            .arg(examples().join("spark/orders.py"))
            .env("WEIR_URI", server.weir.url())
            .env("ICEBERG_JAR", jar);

        let said = succeed(python);

        assert!(said.contains("|  3|2026-02-09|  3.25|"), "{said}");
    });
}

/// The file below a folder whose name begins so.
fn find(folder: &Path, beginning: &str) -> Option<PathBuf> {
    let items = std::fs::read_dir(folder).ok()?.filter_map(|item| Some(item.ok()?.path()));
    items.into_iter().find_map(|path| match path.is_dir() {
        true => find(&path, beginning),
        false => path.file_name()?.to_str()?.starts_with(beginning).then_some(path),
    })
}
