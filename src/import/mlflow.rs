//! MLflow's database: the tables `runs`, `metrics` and `params` of an SQLite file, opened
//! read-only.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use super::log::Run;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How an SQLite file starts.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// Reads the runs of some databases; notes say which of them did not finish.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut runs = Vec::new();
    for path in paths {
        runs.extend(database(path, notes).map_err(|error| malformed(path, Kind::Mlflow, error))?);
    }
    Ok(runs)
}

fn database(path: &Path, notes: &mut Vec<String>) -> rusqlite::Result<Vec<Run>> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // a view in a hostile file could compute for ever
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    let mut runs = BTreeMap::new();
    each(
        &connection,
        "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage IS NOT 'deleted'",
        |row| {
            let (id, name, status): (String, Option<String>, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let run =
                Run::new(name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone()), path);
            note_unfinished(&run, status.as_deref(), notes);
            runs.insert(id, run);
            Ok(())
        },
    )?;
    each(&connection, "SELECT run_uuid, key, value FROM params", |row| {
        if let Some(run) = runs.get_mut(&row.get::<_, String>(0)?) {
            run.params.insert(row.get(1)?, row.get::<_, Option<String>>(2)?.unwrap_or_default());
        }
        Ok(())
    })?;
    each(
        &connection,
        "SELECT run_uuid, key, step, value, is_nan FROM metrics ORDER BY step, timestamp",
        |row| {
            let (key, step, is_nan): (String, f64, bool) =
                (row.get(1)?, row.get::<_, i64>(2)? as f64, row.get(4)?);
            if let Some(run) = runs.get_mut(&row.get::<_, String>(0)?) {
                run.push(&key, Some(step), if is_nan { f64::NAN } else { unclamped(row.get(3)?) });
            }
            Ok(())
        },
    )?;
    Ok(runs.into_values().collect())
}

/// An infinity is stored as the largest finite number of its sign.
fn unclamped(value: f64) -> f64 {
    if value.abs() >= 1.797_693_134_862_315_7e308 { value * 2.0 } else { value }
}

/// Says that a run has not ended well, for its last value is then not that of a whole run.
pub(super) fn note_unfinished(run: &Run, status: Option<&str>, notes: &mut Vec<String>) {
    if let Some(status) = status.filter(|status| *status != "FINISHED") {
        notes.push(format!(
            "run `{}` of `{}` is {status}, not FINISHED; its values are taken all the same",
            run.name,
            run.path.display()
        ));
    }
}

fn each(
    connection: &Connection,
    query: &str,
    mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        visit(row)?;
    }
    Ok(())
}
