//! `insiders explore`: which number of segments, by which method, in which space.
//!
//! [`source`] finds the customers, [`spaces`] what they are compared by, [`compute`] the
//! figures of every choice, [`saved`] keeps each of them as soon as it is known, and [`table`]
//! and [`page`] show the whole.

mod chart;
mod compute;
mod mixture;
mod page;
mod saved;
mod source;
mod spaces;
mod table;
mod ward;

use std::sync::Arc;
use std::time::Instant;

use shared::Error;
use shared::exploration::{Exploration, Plan};
use shared::progress::Progress;
use shared::store::Store;
use tokio::sync::mpsc::unbounded_channel;

use super::run::file_error;
use crate::args::ExploreArgs;
use crate::local::LocalS3;
use crate::watch::Watch;
use crate::{Failure, output, pipeline};
use saved::Saved;
use source::{Origin, Placed};
use spaces::Spaces;

/// Explores, or goes on where it was interrupted; what was finished before is shown at once.
pub(crate) async fn explore(args: ExploreArgs) -> Result<(), Failure> {
    let started = Instant::now();
    if args.run.is_none() {
        std::fs::create_dir_all(&args.dir).map_err(|e| file_error(&args.dir, e))?;
    } else {
        std::fs::metadata(&args.dir).map_err(|e| file_error(&args.dir, e))?;
    }
    let s3 = LocalS3::start(&args.dir).await?;
    let store = pipeline::store(&s3);
    let watch = Arc::new(Watch::default());
    let done = find(&store, &args, watch.clone()).await;
    watch.clear();
    s3.stop().await;
    let (found, page) = done?;
    if args.json {
        let json = serde_json::to_string_pretty(&found);
        output::result(&json.map_err(|e| Error::Internal(e.to_string()))?);
        return Ok(());
    }
    output::result(&table::text(&found));
    output::result(&format!(
        "\n{:.1} s; the curves: {}",
        started.elapsed().as_secs_f64(),
        args.dir.join(page).display()
    ));
    Ok(())
}

/// What was found, and the key of its page.
async fn find(
    store: &Store,
    args: &ExploreArgs,
    watch: Arc<Watch>,
) -> Result<(Exploration, String), Failure> {
    watch.step("read the export");
    let origin = Origin::find(store, args).await?;
    let plan = Plan {
        k: args.k,
        resamples: args.resamples,
        stable: args.stable,
        restarts: args.restarts as usize,
        sample: args.sample as usize,
        seed: origin.settings().clustering.seed,
    };
    let mut saved = Saved::of(store, &(origin.identity()?, &plan))?;
    let page = saved.page();
    if let Some(found) = saved.finished().await? {
        return Ok((found, page));
    }
    saved.resume().await?;
    let (run, model) = (origin.run_id(), origin.model());
    let laid_out_for = origin.laid_out_for();
    let placed = origin.place(store, watch.clone()).await?;
    let (customers, current) = (placed.features.len(), placed.current);
    plan.enough(customers.min(plan.sample))
        .map_err(Error::from)?;
    let spaces = fill(placed, &plan, &mut saved, &watch).await?;
    let found = Exploration {
        id: saved.id().to_owned(),
        cells: saved.cells(plan.choices())?,
        plan,
        run,
        model,
        customers,
        looked_at: spaces.len(),
        current,
        laid_out_for,
        pca_explained: spaces.pca_explained,
        recommendation: None,
        curves: Vec::new(),
    };
    let found = found.concluded();
    saved.finish(&found, page::html(&found)).await?;
    Ok((found, page))
}

/// Computes the choices that are not kept yet, and keeps each as it comes.
async fn fill(
    placed: Placed,
    plan: &Plan,
    saved: &mut Saved,
    watch: &Watch,
) -> Result<Arc<Spaces>, Failure> {
    let Placed {
        features,
        embedding,
        ..
    } = placed;
    let spaces = Spaces::of(&features, embedding.view(), plan.sample, plan.seed)?;
    let spaces = Arc::new(spaces);
    let total = plan.choices().count() as u64;
    let missing: Vec<_> = plan.choices().filter(|&c| !saved.has(c)).collect();
    let mut known = total - missing.len() as u64;
    watch.step("explore");
    watch.bytes(known, total);
    let (send, mut receive) = unbounded_channel();
    let work = {
        let (spaces, plan) = (Arc::clone(&spaces), plan.clone());
        tokio::task::spawn_blocking(move || {
            compute::compute(&spaces, &plan, &missing, |cell| {
                let sent = send.send(cell);
                sent.map_err(|_| Error::Internal("nobody keeps the cells".to_owned()))
            })
        })
    };
    let mut kept = Ok(());
    while let Some(cell) = receive.recv().await {
        kept = saved.keep(&cell).await;
        if kept.is_err() {
            // what is being computed ends at its next cell
            receive.close();
            break;
        }
        known += 1;
        watch.step(&format!(
            "explore: {} by {}",
            cell.space.name(),
            cell.method.name()
        ));
        watch.bytes(known, total);
    }
    let computed = work.await.map_err(|e| Error::Internal(e.to_string()))?;
    kept?;
    computed?;
    Ok(spaces)
}
