//! Databases of this program, of others, and of two processes that start at once.

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection as _};
use tokio::runtime::Runtime;
use verinfer_escrow::store::{Store, StoreError};
use verinfer_protocols::time::Timestamp;

use crate::common::{Database, Running, audited, execute, key, on_each_database, operator};

fn create(database: &Database) -> Result<(), StoreError> {
    Runtime::new().unwrap().block_on(async {
        let store = Store::create(&database.url).await?;
        store.close().await;
        Ok(())
    })
}

fn open(database: &Database) -> Result<(), StoreError> {
    Runtime::new().unwrap().block_on(async {
        let store = Store::open(&database.url).await?;
        store.close().await;
        Ok(())
    })
}

/// Makes tables in an empty database, as another program would.
fn make(database: &Database, statements: &'static str) {
    Runtime::new().unwrap().block_on(async {
        install_default_drivers();
        let made = if database.url.starts_with("sqlite:") { format!("{}?mode=rwc", database.url) } else { database.url.clone() };
        let mut connection = AnyConnection::connect(&made).await.unwrap();
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn processes_that_start_at_once_on_an_empty_database_both_find_it_whole() {
    on_each_database(|database| {
        for _ in 0..5 {
            let database = database.another();
            std::thread::scope(|scope| {
                let starts: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            Runtime::new().unwrap().block_on(async {
                                let store = Store::create(&database.url).await?;
                                store.initialize(operator().account(), Timestamp(1)).await?;
                                store.close().await;
                                Ok::<_, StoreError>(())
                            })
                        })
                    })
                    .collect();
                for start in starts {
                    start.join().unwrap().unwrap();
                }
            });
            audited(&database).unwrap();
        }
    });
}

#[test]
fn a_database_whose_tables_have_no_version_is_refused_with_who_reads_it() {
    on_each_database(|database| {
        make(database, "CREATE TABLE head (only_row BIGINT PRIMARY KEY, escrow TEXT, position BIGINT, digest TEXT, clock BIGINT)");
        for refused in [create(database).unwrap_err(), open(database).unwrap_err()] {
            assert!(matches!(refused, StoreError::Unversioned), "{refused}");
            assert!(refused.to_string().ends_with("the program of revision 5d55f48 reads it"), "{refused}");
        }
        // Nothing was made in it.
        make(database, "CREATE TABLE log (position BIGINT)");
    });
}

#[test]
fn a_database_of_a_later_program_is_refused_and_not_changed() {
    on_each_database(|database| {
        create(database).unwrap();
        let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     SELECT 1000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        execute(database, later);
        for refused in [create(database).unwrap_err(), open(database).unwrap_err()] {
            assert!(matches!(refused, StoreError::NewerTables { found: 1000 }), "{refused}");
        }
        execute(database, "DELETE FROM _sqlx_migrations WHERE version = 1000");
        create(database).unwrap();
    });
}

#[test]
fn an_earlier_version_of_the_tables_is_not_read_before_the_escrow_has_started_on_it() {
    on_each_database(|database| {
        // As a database is whose first migration is still to be made.
        make(database, "CREATE TABLE _sqlx_migrations (version BIGINT); INSERT INTO _sqlx_migrations (version) VALUES (0)");
        assert!(matches!(open(database), Err(StoreError::OlderTables { found: 0 })));
    });
}

#[test]
fn a_migration_that_was_changed_after_it_was_made_is_an_error() {
    on_each_database(|database| {
        create(database).unwrap();
        let other = if database.url.starts_with("sqlite:") { "X'00'" } else { "'\\x00'::bytea" };
        execute(database, &format!("UPDATE _sqlx_migrations SET checksum = {other}"));
        let refused = create(database).unwrap_err();
        assert!(matches!(refused, StoreError::Migration { .. }), "{refused}");
    });
}

#[test]
fn a_log_of_another_format_is_refused_with_who_reads_it() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 5);
        running.stop();
        for (format, reader) in [
            (1, "the program of revision 5d55f48 reads it"),
            (2, "the program of revision 1087b1e reads it"),
            (3, "the program of revision 0ec2a1e reads it"),
            (5, "use the program that wrote it"),
        ] {
            execute(database, &format!("UPDATE head SET format = {format}"));
            for refused in [create(database).unwrap_err(), open(database).unwrap_err()] {
                assert!(matches!(refused, StoreError::LogFormat { found } if found == format), "{refused}");
                assert!(refused.to_string().ends_with(reader), "{refused}");
            }
        }
        execute(database, "UPDATE head SET format = 4");
        assert_eq!(audited(database).unwrap().entries, 1);
    });
}

#[test]
fn tables_are_not_changed_under_an_escrow_that_runs_nor_in_a_log_that_cannot_be_read_and_a_copy_is_made_before() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 5);
        // As an escrow of an earlier version has them.
        execute(database, "DELETE FROM _sqlx_migrations WHERE version = 5");
        let refused = create(database).unwrap_err();
        assert!(matches!(refused, StoreError::InUse { found: 4 }), "{refused}");
        assert!(refused.to_string().contains("stop it, then start this one again"), "{refused}");
        running.fund(&[&key(1)], 5);
        running.stop();

        execute(database, "UPDATE head SET format = 3");
        assert!(matches!(create(database), Err(StoreError::LogFormat { found: 3 })));
        execute(database, "UPDATE head SET format = 4");
        assert!(matches!(open(database), Err(StoreError::OlderTables { found: 4 })));
        let folder = tempfile::tempdir().unwrap();
        let copied = Runtime::new().unwrap().block_on(Store::copy(&database.url, &folder.path().join("copy.db")));
        match copied {
            Ok(mark) => assert_eq!(mark.position, 2),
            Err(error) => assert!(matches!(error, StoreError::NoFile) && !database.url.starts_with("sqlite:"), "{error}"),
        }
        // Nobody runs on it any more: it is migrated, and here fails on what is there already.
        assert!(matches!(create(database), Err(StoreError::Migration { .. })));
    });
}

#[test]
fn an_empty_database_is_no_escrows() {
    on_each_database(|database| {
        if database.url.starts_with("sqlite:") {
            // Reading makes no file.
            assert!(matches!(open(database), Err(StoreError::Database(_))));
            return;
        }
        assert!(matches!(open(database), Err(StoreError::Empty)));
    });
}
