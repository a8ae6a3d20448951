//! The scripts folder, watched.

use std::fs;

use tempfile::tempdir;

use super::support::{BROKEN, Instance, config, script};

#[tokio::test]
async fn files_are_scripts_named_by_their_path() {
    let folder = tempdir().unwrap();
    let config = config(folder.path(), "");
    fs::create_dir(config.scripts.dir.join("debug")).unwrap();
    fs::write(config.scripts.dir.join("loan.json"), script("A")).unwrap();
    fs::write(config.scripts.dir.join("debug/1.json"), script("B")).unwrap();
    fs::write(config.scripts.dir.join("broken.json"), BROKEN).unwrap();
    let instance = Instance::start(&config).await;
    assert_eq!(instance.scripts.names(), ["debug/1", "loan"]);
    assert_eq!(instance.cause("debug/1"), "B");
}

#[tokio::test]
async fn a_changed_file_is_in_force_and_a_removed_one_is_not() {
    let folder = tempdir().unwrap();
    let config = config(folder.path(), "");
    let path = config.scripts.dir.join("loan.json");
    fs::write(&path, script("A")).unwrap();
    let mut instance = Instance::start(&config).await;
    let before = instance.scripts.get("loan").unwrap();

    fs::write(&path, script("B")).unwrap();
    instance.wait_for("loan", "B").await;
    assert_eq!(before.node(before.entry).argument.raw(), "A", "a call keeps what it began with");
    assert_ne!(before.revision, instance.scripts.get("loan").unwrap().revision);

    fs::create_dir(config.scripts.dir.join("new")).unwrap();
    fs::write(config.scripts.dir.join("new/1.json"), script("C")).unwrap();
    instance.wait_for("new/1", "C").await;
    fs::remove_file(&path).unwrap();
    instance.wait_for("loan", "").await;
}

#[tokio::test]
async fn a_broken_file_does_not_replace_a_good_one() {
    let folder = tempdir().unwrap();
    let config = config(folder.path(), "");
    let path = config.scripts.dir.join("loan.json");
    fs::write(&path, script("A")).unwrap();
    let mut instance = Instance::start(&config).await;
    fs::write(&path, BROKEN).unwrap();
    fs::write(config.scripts.dir.join("later.json"), script("C")).unwrap();
    instance.wait_for("later", "C").await;
    assert_eq!(instance.cause("loan"), "A");
    fs::write(&path, script("B")).unwrap();
    instance.wait_for("loan", "B").await;
}
