//! Migrations: numbered from 1 without gaps, the same steps for both databases.

use crate::tree::{files, none};

#[test]
fn migrations_follow_one_another() {
    let (mysql, sqlite) = (names("mysql"), names("sqlite"));
    none(&[check_numbers(&mysql), check_numbers(&sqlite), check_same(&mysql, &sqlite)].concat());
}

#[test]
fn a_gap_a_double_and_a_nameless_migration_are_found() {
    let numbered = |names: &[&str]| check_numbers(&owned(names));
    assert_eq!(numbered(&["0001_a.sql", "0002_b.sql"]), Vec::<String>::new());
    assert_eq!(numbered(&["0001_a.sql", "0003_c.sql"]), ["0003_c.sql: 0002_ comes here"]);
    assert_eq!(numbered(&["0001_a.sql", "0001_b.sql"]), ["0001_b.sql: 0002_ comes here"]);
    assert_eq!(numbered(&["0002_a.sql"]), ["0002_a.sql: 0001_ comes here"]);
    assert_eq!(numbered(&["a.sql"]), ["a.sql: 0001_ comes here"]);
}

#[test]
fn a_step_that_one_database_lacks_is_found() {
    let (one, two) = (owned(&["0001_a.sql"]), owned(&["0001_a.sql", "0002_b.sql"]));
    assert_eq!(check_same(&one, &two), ["sql/mysql and sql/sqlite differ: 0002_b.sql"]);
    assert_eq!(check_same(&two, &two), Vec::<String>::new());
}

fn names(database: &str) -> Vec<String> {
    let files = files(&format!("sql/{database}"), "sql");
    files.iter().filter_map(|file| Some(file.path.rsplit_once('/')?.1.to_owned())).collect()
}

fn check_numbers(names: &[String]) -> Vec<String> {
    let expected = (1..).map(|number| format!("{number:04}_"));
    let wrong = names.iter().zip(expected).filter(|(name, start)| !name.starts_with(&**start));
    wrong.map(|(name, start)| format!("{name}: {start} comes here")).collect()
}

fn check_same(mysql: &[String], sqlite: &[String]) -> Vec<String> {
    let alone = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|name| !those.contains(name)).cloned().collect()
    };
    let alone = [alone(mysql, sqlite), alone(sqlite, mysql)].concat();
    alone.iter().map(|name| format!("sql/mysql and sql/sqlite differ: {name}")).collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
