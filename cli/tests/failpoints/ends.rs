//! The ends that a run is brought to.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Signal, getpid, kill_process};
use shared::failpoint::reached;
use tokio::process::Command;

use crate::machine::{Ended, Machine};
use crate::parts::tally;
use crate::scenario::Scenario;
use crate::snapshot::{self, Snapshot};
use crate::world::{Services, World, Worlds};

/// A point, the how manieth time that a run comes by it.
#[derive(Debug, Clone, Copy)]
struct Place {
    point: &'static str,
    time: usize,
}

/// The places of a run, in their order.
fn places(points: &[&'static str]) -> Vec<Place> {
    let mut times = HashMap::new();
    let place = |&point: &&'static str| {
        let time = times.entry(point).or_insert(0);
        *time += 1;
        Place { point, time: *time }
    };
    points.iter().map(place).collect()
}

/// A run that nothing happens to.
struct Reference {
    places: Vec<Place>,
    /// What readers see before and after.
    before: String,
    after: String,
    snapshot: Snapshot,
}

async fn reference(worlds: &Worlds, scenario: Scenario) -> Reference {
    let world = worlds.begin("reference").await;
    let before = world.visible().await;
    reached();
    let (request, settings) = scenario.asked();
    Machine::new(request, settings)
        .go_on(&world.services)
        .await
        .unwrap();
    let reference = Reference {
        places: places(&reached()),
        before,
        after: world.visible().await,
        snapshot: snapshot::of(&world).await,
    };
    worlds.end(world).await;
    reference
}

/// What must hold right after the end at `place`.
async fn check(world: &World, reference: &Reference, place: usize) {
    let at = reference.places[place];
    // Committed is what came before the point that follows the commit.
    let switched = |place: &Place| place.point == "publish: switched";
    let is_switched = reference.places[..=place].iter().any(switched);
    let never_switches = !reference.places.iter().any(switched);
    let expected = if is_switched || never_switches {
        &reference.after
    } else {
        &reference.before
    };
    assert_eq!(&world.visible().await, expected, "{at:?}");
    let together = snapshot::holds_together(world).await;
    together.unwrap_or_else(|torn| panic!("{at:?}: {torn}"));
}

/// The attempt after it has the result of a run that nothing happened to.
async fn recovers(world: &World, machine: &mut Machine, reference: &Reference, at: Place) {
    let published = machine.go_on(&world.services).await;
    published.unwrap_or_else(|ended| panic!("{at:?}: {ended:?}"));
    let found = snapshot::of(world).await;
    let differing = snapshot::difference(&reference.snapshot, &found);
    assert!(differing.is_empty(), "{at:?}: {differing:#?}");
}

/// An end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// An error, after which the state machine tries the stage again.
    Error,
    /// A panic, after which the whole event comes once more.
    Panic,
    /// No process any more, after which the whole event comes once more.
    Kill,
}

/// Brings a run to its end at a place; gives the machine with which the next attempt begins.
async fn end(world: &World, scenario: Scenario, place: Place, end: End) -> Machine {
    let (request, settings) = scenario.asked();
    let mut machine = Machine::new(request.clone(), settings.clone());
    let Place { point, time } = place;
    let action = match end {
        End::Error => "return",
        End::Panic => "panic",
        End::Kill => {
            kill(world, scenario, place).await;
            return machine;
        }
    };
    let set = format!("{}*off->1*{action}->off", time - 1);
    fail::cfg(point, set.trim_start_matches("0*off->")).unwrap();
    let ended = machine.go_on(&world.services).await.unwrap_err();
    fail::remove(point);
    match (end, ended) {
        (End::Error, Ended::Error(error)) => {
            assert!(error.is_retryable() && error.to_string().contains(point));
            machine
        }
        (End::Panic, Ended::Panic) => Machine::new(request, settings),
        (_, ended) => panic!("{place:?}: {ended:?}"),
    }
}

const SCENARIO: &str = "INSIDERS_TEST_SCENARIO";
const SERVICES: &str = "INSIDERS_TEST_SERVICES";
const PLACE: &str = "INSIDERS_TEST_PLACE";

async fn kill(world: &World, scenario: Scenario, place: Place) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["ends::killed", "--exact", "--ignored"])
        .env(SCENARIO, scenario.name())
        .env(SERVICES, world.address())
        .env(PLACE, format!("{} {}", place.time, place.point))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .unwrap();
    assert_eq!(status.signal(), Some(9), "{place:?}: {status}");
}

/// The process that is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of the test below"]
async fn killed() {
    let Ok(scenario) = std::env::var(SCENARIO) else {
        return;
    };
    let place = std::env::var(PLACE).unwrap();
    let (time, point) = place.split_once(' ').unwrap();
    let time: usize = time.parse().unwrap();
    let passed = AtomicUsize::new(0);
    let at_last = move || {
        if passed.fetch_add(1, Ordering::SeqCst) + 1 == time {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    };
    fail::cfg_callback(point, at_last).unwrap();
    let services = Services::at(&std::env::var(SERVICES).unwrap());
    let (request, settings) = Scenario::named(&scenario).asked();
    let ended = Machine::new(request, settings).go_on(&services).await;
    panic!("nobody killed it: {}", ended.is_ok());
}

/// Ends a run of one kind everywhere, in each way. In a process of its own, since points are
/// set up for the whole process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of the tests below"]
async fn everywhere() {
    let Ok(name) = std::env::var(SCENARIO) else {
        return;
    };
    let scenario = Scenario::named(&name);
    let worlds = Worlds::new(scenario).await;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Those that were asked for are not worth a line.
        if !panic.to_string().contains("failpoint ") {
            report(panic);
        }
    }));
    let reference = reference(&worlds, scenario).await;
    if scenario == Scenario::Shards {
        let recorded = |place: &&Place| place.point == "embed: shard recorded";
        assert_eq!(reference.places.iter().filter(recorded).count(), 3);
    }
    for how in [End::Error, End::Panic, End::Kill] {
        for (index, &place) in reference.places.iter().enumerate() {
            let world = worlds.begin("ended").await;
            let mut machine = end(&world, scenario, place, how).await;
            check(&world, &reference, index).await;
            recovers(&world, &mut machine, &reference, place).await;
            worlds.end(world).await;
        }
        let fault = match how {
            End::Error => "error",
            End::Panic => "panic",
            End::Kill => "SIGKILL",
        };
        tally(
            "a run that ends early leaves nothing to trip over",
            &format!("{fault} between two steps ({name})"),
            reference.places.len(),
            "the next attempt has the same result",
        );
    }
    worlds.stop().await;
}

fn whatever_ends(scenario: Scenario) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["ends::everywhere", "--exact", "--ignored", "--nocapture"])
        .env(SCENARIO, scenario.name())
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

#[test]
fn whatever_ends_a_first_run_the_next_attempt_has_the_same_result() {
    whatever_ends(Scenario::First);
}

#[test]
fn whatever_ends_a_run_of_stored_models_the_next_attempt_has_the_same_result() {
    whatever_ends(Scenario::Apply);
}

#[test]
fn whatever_ends_a_refit_the_next_attempt_has_the_same_result() {
    whatever_ends(Scenario::Refit);
}

#[test]
fn whatever_ends_a_run_of_many_uploads_the_next_attempt_has_the_same_result() {
    whatever_ends(Scenario::Append);
}

#[test]
fn whatever_ends_a_repeated_event_the_next_attempt_has_the_same_result() {
    whatever_ends(Scenario::Again);
}

#[test]
fn whatever_ends_a_run_in_shards_the_next_attempt_has_the_same_result() {
    whatever_ends(Scenario::Shards);
}
