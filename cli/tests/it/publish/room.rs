//! Disks that are full, and limits that were set.

use std::path::PathBuf;
use std::process::Command;

use super::fixture::{Fixture, Run};
use super::own::Own;
use crate::parts::tally;

const PROMISE: &str = "a failed publication leaves the old run and nothing else";
const CUSTOMERS: usize = 120_000;

/// A small file system in memory.
struct Disk(PathBuf);

impl Disk {
    /// Mounted, where this is allowed.
    fn mount(path: PathBuf) -> Option<Self> {
        let disk = Self(path);
        disk.run(&["-t", "tmpfs", "-o", "size=28m", "none"])
            .then_some(disk)
    }

    fn grow(&self) {
        assert!(self.run(&["-o", "remount,size=400m"]));
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let mut mount = Command::new("mount");
        let done = mount.args(arguments).arg(&self.0).output();
        done.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the server may not be gone yet.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

async fn size(fixture: &Fixture) -> u64 {
    let size = "SELECT pg_database_size(current_database())";
    fixture.ask(size).await.parse().unwrap()
}

/// A load that runs out of room, and once there is some. Gives what was said of it.
async fn full(fixture: &Fixture, make_room: impl FnOnce()) -> String {
    let before = size(fixture).await;
    let run = Run::new(2, CUSTOMERS);
    let error = fixture.publish(&run).await.unwrap_err();
    // Storage that grows by itself, or somebody who makes room, may be there by the next
    // attempt; an attempt that fails costs the load alone.
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    let text = error.to_string();
    assert!(
        text.contains("SQLSTATE 53100") && text.contains("make room"),
        "{text}"
    );
    fixture.expect_whole(1, 10).await;
    // An attempt that fails again and again does not fill it further.
    let again = fixture.publish(&run).await.unwrap_err();
    assert_eq!(again.name(), "Insiders.Unavailable", "{again}");
    let after = size(fixture).await;
    assert!(after < before + (1 << 20), "{before} bytes, then {after}");
    make_room();
    fixture.publish(&run).await.unwrap();
    fixture.expect_whole(2, CUSTOMERS).await;
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_an_error_until_there_is_room() {
    let server = Own::new(&[]).await;

    // Files may not grow any more: no rights are needed for that.
    let fixture = Fixture::at(&server.url("insiders")).await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    // More than a segment of the log of 16 MiB, and half a page.
    server.limit_files(Some((17 << 20) + 4096));
    let said = full(&fixture, || server.limit_files(None)).await;
    println!("{said}");
    tally(
        PROMISE,
        "the database's files can't grow (RLIMIT_FSIZE)",
        2,
        "Insiders.Unavailable (53100), then published",
    );

    let Some(disk) = Disk::mount(server.beside("disk")) else {
        println!("SKIPPED: a full file system was not tried, for want of the right to mount one");
        return;
    };
    server.give(&disk.0);
    let path = disk.0.display();
    for sql in [
        format!("CREATE TABLESPACE disk LOCATION '{path}'"),
        "CREATE DATABASE disk TEMPLATE template0 TABLESPACE disk".to_owned(),
    ] {
        fixture.ask(&sql).await;
    }
    let fixture = Fixture::at(&server.url("disk")).await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let said = full(&fixture, || disk.grow()).await;
    println!("{said}");
    tally(
        PROMISE,
        "the database's file system is full",
        2,
        "Insiders.Unavailable (53100), then published",
    );
    // Before its disk.
    drop(server);
}

#[tokio::test]
async fn a_limit_that_somebody_set_is_no_passing_trouble() {
    let fixture = Fixture::new("temporary").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let set = |setting: &str| format!("ALTER DATABASE temporary {setting}");
    for setting in [
        "SET temp_file_limit = '1MB'",
        "SET maintenance_work_mem = '1MB'",
    ] {
        fixture.ask(&set(setting)).await;
    }
    let run = Run::new(2, CUSTOMERS);
    let error = fixture.publish(&run).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Refused", "{error}");
    let text = error.to_string();
    assert!(
        text.contains("temp_file_limit") && text.contains("53400"),
        "{text}"
    );
    fixture.expect_whole(1, 10).await;
    fixture.ask(&set("RESET temp_file_limit")).await;
    fixture.publish(&run).await.unwrap();
    fixture.expect_whole(2, CUSTOMERS).await;
    tally(
        PROMISE,
        "temp_file_limit (53400)",
        1,
        "Insiders.Refused with advice, published once it was raised",
    );
}
