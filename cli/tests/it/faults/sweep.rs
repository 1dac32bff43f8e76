//! Every request of each stage, with every fault that can happen to it.
//!
//! S3 reads what was written last, in `GET` and in lists, so nothing here serves old objects;
//! `stale.rs` does, for stores that are like S3 and not as strict.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};
use shared::Error;
use shared::contracts::{ModelAction, RunState};

use super::bucket::{Bucket, Given, Prepared, request};
use super::fault::{
    BAD_DIGEST, DENIED, EXPIRED, Fault, INTERNAL, Kind, LOST_RACE, SKEWED, SLOW_DOWN, Times,
};
use super::proxy::{Point, Proxy};
use crate::parts::tally;

/// Calls of a stage that the state machine makes at most; here three will do.
const CALLS: usize = 3;
/// Cases at once: most of a case is waiting.
const AT_ONCE: usize = 6;

/// What must become of a case.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// Success, at once or when the stage is called again as the state machine would.
    Success,
    /// One error of this name.
    Error(&'static str),
    /// Either, whatever the error's name.
    Clear,
}

const ONCE: Times = Times::First(1);
/// One more than the client's attempts: the stage itself has to be called again.
const OUTLASTS: Times = Times::First(3);

const FAULTS: [(Kind, Times, Ending); 22] = [
    (INTERNAL, ONCE, Ending::Success),
    (SLOW_DOWN, ONCE, Ending::Success),
    (Kind::Reset, ONCE, Ending::Success),
    (Kind::LoseAnswer, ONCE, Ending::Success),
    (Kind::BreakOff, ONCE, Ending::Success),
    (Kind::Truncate, ONCE, Ending::Success),
    (Kind::Silence, ONCE, Ending::Success),
    (Kind::Stall, ONCE, Ending::Success),
    (Kind::Trickle, ONCE, Ending::Success),
    (Kind::FlipAnswer, ONCE, Ending::Success),
    (Kind::FlipUpload, ONCE, Ending::Success),
    (BAD_DIGEST, ONCE, Ending::Success),
    (Kind::YearsOff, ONCE, Ending::Success),
    (EXPIRED, ONCE, Ending::Success),
    (SKEWED, ONCE, Ending::Success),
    (LOST_RACE, ONCE, Ending::Clear),
    (INTERNAL, OUTLASTS, Ending::Success),
    (Kind::LoseAnswer, OUTLASTS, Ending::Success),
    (INTERNAL, Times::Ever, Ending::Error("Insiders.Unavailable")),
    (
        Kind::Reset,
        Times::Ever,
        Ending::Error("Insiders.Unavailable"),
    ),
    (EXPIRED, Times::Ever, Ending::Error("Insiders.Unavailable")),
    (DENIED, Times::Ever, Ending::Error("Insiders.Refused")),
];

/// How a stage ended that was called as the state machine calls it.
async fn called(given: &Given, proxy: &Proxy, calls: usize) -> (Result<RunState, Error>, usize) {
    let mut made = 0;
    loop {
        let result = given.call(&proxy.store).await;
        made += 1;
        match &result {
            Err(error) if error.is_retryable() && made < calls => expect_clear(error),
            _ => return (result, made),
        }
    }
}

/// One line that says what was asked of whom.
pub(super) fn expect_clear(error: &Error) {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.len() < 400, "{text}");
    assert!(!text.contains("http://"), "{text}");
}

/// What became of one case.
struct Ended {
    calls: usize,
    error: Option<String>,
}

struct Sweep<'a> {
    prepared: &'a Prepared,
    points: Vec<Point>,
    expected: BTreeMap<String, String>,
}

impl<'a> Sweep<'a> {
    /// The stage without a fault: its requests, and what it leaves.
    async fn of(prepared: &'a Prepared) -> Self {
        let bucket = prepared.serve().await;
        let proxy = Proxy::before(&bucket.s3, None).await;
        prepared.given.call(&proxy.store).await.unwrap();
        assert!(bucket.leftovers().is_empty());
        bucket.expect_whole();
        Self {
            prepared,
            points: proxy.seen(),
            expected: bucket.contents(),
        }
    }

    async fn case(&self, kind: Kind, times: Times, ending: Ending, at: &Point) -> Option<Ended> {
        let bucket = self.prepared.serve().await;
        let fault = Fault {
            kind,
            at: at.clone(),
            times,
        };
        let what = format!("{fault:?}");
        let proxy = Proxy::before(&bucket.s3, Some(fault)).await;
        let calls = if times == Times::Ever { 1 } else { CALLS };
        let (result, calls) = called(&self.prepared.given, &proxy, calls).await;
        if proxy.injected() == 0 {
            // Of kinds that depend on more than the name.
            assert_eq!(kind, LOST_RACE, "{what}");
            return None;
        }
        bucket.expect_whole();
        let error = result.err();
        match (&error, ending) {
            (Some(error), Ending::Error(name)) => assert_eq!(error.name(), name, "{what}: {error}"),
            (Some(error), Ending::Success) => panic!("{what}: {error}"),
            (None, Ending::Error(name)) => panic!("{what}: no {name}"),
            (None, _) | (Some(_), Ending::Clear) => {}
        }
        if let Some(error) = &error {
            expect_clear(error);
            proxy.heal();
            let again = self.prepared.given.call(&proxy.store).await;
            again.unwrap_or_else(|e| panic!("{what}, then without it: {e}"));
        }
        self.expect_same(&bucket, &what);
        assert!(proxy.abandoned().is_empty(), "{what}");
        Some(Ended {
            calls,
            error: error.map(|error| error.name().to_owned()),
        })
    }

    fn expect_same(&self, bucket: &Bucket, what: &str) {
        bucket.expect_whole();
        let contents = bucket.contents();
        for (key, said) in &self.expected {
            assert_eq!(contents.get(key), Some(said), "{what}: {key}");
        }
        assert_eq!(contents.len(), self.expected.len(), "{what}");
    }

    /// Every fault at every request.
    async fn run(&self, stage: &str) {
        for point in &self.points {
            println!("{stage}: {} #{}", point.name, point.nth);
        }
        let mut broken = 0;
        for (kind, times, ending) in FAULTS {
            let points = self.points.iter().filter(|at| kind.fits_name(&at.name));
            let cases = points
                .step_by(every(kind))
                .map(|at| caught(self.case(kind, times, ending, at)));
            let cases = futures::stream::iter(cases).buffer_unordered(AT_ONCE);
            let ended: Vec<Option<Option<Ended>>> = cases.collect().await;
            broken += ended.iter().filter(|case| case.is_none()).count();
            let ended: Vec<Ended> = ended.into_iter().flatten().flatten().collect();
            if ended.is_empty() {
                // Not every stage has such a request.
                assert_eq!(kind, LOST_RACE, "it was never injected");
                continue;
            }
            tally(
                &format!("{stage}: whole or not at all, then the same bytes"),
                &format!("{}, {}", kind.called(), times.called()),
                ended.len(),
                &outcomes(&ended),
            );
        }
        assert_eq!(broken, 0, "{stage}: {broken} cases, each told above");
    }
}

/// Of requests that a fault fits, the one in so many that it happens to: a wait is a wait,
/// and those are seconds.
pub(super) fn every(kind: Kind) -> usize {
    match kind {
        Kind::Silence => 4,
        Kind::Stall => 2,
        _ => 1,
    }
}

/// A case's result; none of one that fails, so that the others are seen as well.
pub(super) async fn caught<T>(case: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(case).catch_unwind().await.ok()
}

/// Such as `20 done at once, 3 when called again`.
fn outcomes(ended: &[Ended]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in ended {
        let how = match (&case.error, case.calls) {
            (Some(name), _) => format!("{name}, then done without the fault"),
            (None, 1) => "done at once".to_owned(),
            (None, _) => "done when called again".to_owned(),
        };
        *counts.entry(how).or_default() += 1;
    }
    let counts = counts.iter().map(|(how, count)| format!("{count} {how}"));
    counts.collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn preprocessing_survives_a_fault_at_every_request() {
    let prepared = Prepared::to_preprocess().await;
    Sweep::of(&prepared).await.run("preprocess").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fit_survives_a_fault_at_every_request() {
    let prepared = Prepared::to_fit().await;
    Sweep::of(&prepared).await.run("fit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_survives_a_fault_at_every_request() {
    let prepared = Prepared::to_apply().await;
    Sweep::of(&prepared).await.run("apply").await;
}

/// Not the same execution going on but a new one, of the same upload: by then the fit's models
/// may be the champion.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_execution_after_a_failed_fit_makes_the_same_tables() {
    let prepared = Prepared::to_fit().await;
    let sweep = Sweep::of(&prepared).await;
    let tables = |contents: BTreeMap<String, String>| {
        let mut tables = contents;
        // It says what was asked for: to fit, or to apply.
        tables.retain(|key, _| !(key.starts_with("runs/") && key.ends_with("/manifest.json")));
        tables
    };
    let expected = tables(sweep.expected.clone());
    let again = |at: Point| {
        let (prepared, tables, expected) = (&prepared, &tables, &expected);
        async move {
            let bucket = prepared.serve().await;
            let fault = Fault {
                kind: INTERNAL,
                at: at.clone(),
                times: OUTLASTS,
            };
            let proxy = Proxy::before(&bucket.s3, Some(fault)).await;
            prepared.given.call(&proxy.store).await.unwrap_err();
            let request = Given::Preprocess(request("uploads/second.csv"));
            let state = request.call(&proxy.store).await.unwrap();
            let fits = state.run.action == ModelAction::Fit;
            let embed = Given::Embed(Box::new(state));
            embed.call(&proxy.store).await.unwrap();
            bucket.expect_whole();
            assert_eq!(tables(bucket.contents()), *expected, "{at:?}");
            fits
        }
    };
    let cases = futures::stream::iter(sweep.points.clone()).map(again);
    let fits: Vec<bool> = cases.buffer_unordered(AT_ONCE).collect().await;
    let fitted = fits.iter().filter(|fits| **fits).count();
    tally(
        "a new execution after a failed fit makes the same tables",
        "S3 answers 500 InternalError, for all of the client's attempts",
        fits.len(),
        &format!(
            "the same: {fitted} by a fit, {} by the stored models",
            fits.len() - fitted
        ),
    );
}
