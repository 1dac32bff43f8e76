//! `insiders backfill`: what the runs of past moments would have given.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use shared::Error;
use shared::bundle::champion;
use shared::contracts::{AsOf, Mode, ObjectRef, Request};
use shared::settings::Settings;
use shared::store::Store;

use super::run::{file_error, settings, target};
use super::upload;
use crate::args::{BackfillArgs, Every};
use crate::local::LocalS3;
use crate::pipeline::{self, Target, profile};
use crate::watch::Watch;
use crate::{Failure, output};

/// Most moments of one command.
const MOST: usize = 1_000;

/// Runs one export at a range of moments, the earliest first.
pub(crate) async fn backfill(args: BackfillArgs) -> Result<(), Failure> {
    let moments = moments(args.from, args.to, args.every)?;
    let settings = args.config.as_deref().map(settings).transpose()?;
    let source = upload::Input::open(&args.input)?;
    std::fs::create_dir_all(&args.dir).map_err(|e| file_error(&args.dir, e))?;
    let s3 = LocalS3::start(&args.dir).await?;
    let store = pipeline::store(&s3);
    let watch = Arc::new(Watch::default());
    let done = async {
        let source = upload::bring(&s3, source, settings.as_ref(), watch.as_ref()).await?;
        runs(&args, &store, source, &moments, settings, &watch).await
    };
    let done = done.await;
    watch.clear();
    s3.stop().await;
    done
}

async fn runs(
    args: &BackfillArgs,
    store: &Store,
    source: ObjectRef,
    moments: &[AsOf],
    settings: Option<Settings>,
    watch: &Arc<Watch>,
) -> Result<(), Failure> {
    let request = |as_of: AsOf, mode: Mode| Request {
        source: source.clone(),
        mode,
        as_of: Some(as_of),
        force_publish: args.publish.force_publish,
        fill_history: true,
        scale: shared::contracts::Scale::default(),
    };
    let run = async |request: Request, target: &Target| {
        let settings = settings.clone();
        pipeline::run(store, &args.dir, request, settings, target, watch.clone()).await
    };
    // One model for all moments, or their segments could not be compared; made of the most
    // that is known.
    if champion(store).await?.is_none()
        && let Some(last) = moments.last()
    {
        run(request(*last, Mode::Auto), &Target::Nothing).await?;
    }
    let target = target(&args.publish, false);
    let mut is_first = true;
    for as_of in moments {
        let finished = match run(request(*as_of, Mode::Apply), &target).await {
            Ok(finished) => finished,
            Err(failure) if failure.is_bad_input() => {
                watch.clear();
                output::notice(&format!("{as_of}: {failure}; left out"));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        watch.clear();
        if let Some(reason) = &finished.not_published {
            output::notice(&format!("{as_of}: not published: {reason}"));
        }
        let before = match &finished.manifest.migrations {
            // The first is the beginning of what was asked for.
            Some(migrations) if !is_first => Some(profile(store, &migrations.since).await?),
            _ => None,
        };
        is_first = false;
        output::result(&output::moment(&finished, before.as_ref())?);
    }
    Ok(())
}

/// From one day to another, the last one included.
fn moments(from: Date, to: Date, every: Every) -> Result<Vec<AsOf>, Failure> {
    let mut found = Vec::new();
    for step in 0..=i64::try_from(MOST).unwrap_or(i64::MAX) {
        let span = match every {
            Every::Day => step.days(),
            Every::Week => step.weeks(),
            Every::Month => step.months(),
        };
        let day = from.checked_add(span).unwrap_or(to);
        if day >= to {
            break;
        }
        found.push(day);
    }
    if from > to || found.len() > MOST {
        let reason = format!("{from} to {to} are not 1 to {MOST} moments");
        return Err(Error::config("--from and --to", reason).into());
    }
    found.push(to);
    let ends = found.into_iter().map(|day| AsOf(day.at(23, 59, 59, 0)));
    Ok(ends.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str, every: Every) -> Vec<String> {
        let found = moments(from.parse().unwrap(), to.parse().unwrap(), every).unwrap();
        let days = found.iter().map(|m| m.0.date().to_string());
        days.collect()
    }

    #[test]
    fn months_end_where_they_end_and_the_last_day_is_there() {
        assert_eq!(
            days("2011-01-31", "2011-04-15", Every::Month),
            ["2011-01-31", "2011-02-28", "2011-03-31", "2011-04-15"]
        );
        assert_eq!(
            days("2011-01-01", "2011-01-15", Every::Week),
            ["2011-01-01", "2011-01-08", "2011-01-15"]
        );
        assert_eq!(days("2011-01-01", "2011-01-01", Every::Day).len(), 1);
        let backwards = moments(
            "2011-02-01".parse().unwrap(),
            "2011-01-01".parse().unwrap(),
            Every::Day,
        );
        assert!(backwards.is_err());
    }
}
