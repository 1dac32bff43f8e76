//! The only place that writes to the terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use embed_and_cluster::{Evaluation, Explained, ExplainedSegment};
use publish_to_rds::KeptRun;
use shared::contracts::{Manifest, Part};
use shared::segments::{Migration, Migrations, Profile, SegmentProfile};

use crate::pipeline::Finished;

/// Columns of a profile's figures, and what is between them and the rule.
const FIGURES: usize = 11 + 8 + 14 + 14 + 9 + 9 + 12 + 2;

/// A failure, on one line.
pub(crate) fn error(failure: &crate::Failure) {
    eprintln!(
        "insiders: {}",
        failure.to_string().replace(['\n', '\r'], " ")
    );
}

/// A line of news, beside the result.
pub(crate) fn notice(text: &str) {
    eprintln!("{text}");
}

/// A result, alone.
pub(crate) fn result(text: &str) {
    println!("{text}");
}

/// What a run found and where everything is.
pub(crate) fn summary(manifest: &Manifest, profile: &Profile, dir: &Path, published: Option<&str>) {
    println!("{}", table(profile, columns()));
    let (counts, quality) = (&manifest.counts, &manifest.quality);
    println!(
        "{} customers ({} guests) from {} rows: {} kept, {} dropped by rule, {} quarantined",
        counts.customers,
        counts.guests,
        counts.rows_read,
        counts.rows_kept,
        counts.rows_dropped,
        counts.rows_quarantined
    );
    println!(
        "{} segments, silhouette {:.3}, inertia {:.1}, as of {}, model {}",
        quality.segments,
        quality.silhouette,
        quality.inertia,
        manifest.effective_as_of,
        manifest.run.model_version
    );
    for stage in &manifest.stages {
        let memory = stage
            .peak_memory_bytes
            .map_or_else(String::new, |bytes| format!(", {} MB", bytes >> 20));
        println!("{:<24}{:>7.2} s{memory}", stage.stage, stage.seconds);
    }
    println!(
        "artifacts: {}",
        dir.join("runs").join(&manifest.run.run_id).display()
    );
    if let Some(path) = report_path(manifest, dir) {
        println!("report: {}", path.display());
    }
    for check in &manifest.checks {
        println!("check {}: {}", check.kind.name(), check.message);
    }
    if let Some(migrations) = &manifest.migrations {
        println!(
            "since {}: {} stayed, {} moved, {} entered, {} left",
            migrations.since_as_of,
            migrations.stayed.customers,
            migrations.moved.customers,
            migrations.entered.customers,
            migrations.left.customers
        );
    }
    if let Some(reason) = manifest.promotion.as_ref().and_then(|p| p.reason.as_ref()) {
        println!(
            "not published: the new model stays a challenger: {reason}\ninsiders models promote {} makes it the champion all the same",
            manifest.run.model_version
        );
    } else if let Some(how) = published {
        let current = manifest.publication.as_ref().is_some_and(|p| p.current);
        if !current {
            println!(
                "published beside a newer run that readers go on seeing; --force-publish shows this one"
            );
        }
        println!("{how}");
    }
}

/// The run's page in a folder of artifacts; runs of earlier versions have none.
pub(crate) fn report_path(manifest: &Manifest, dir: &Path) -> Option<PathBuf> {
    let page = manifest.artifacts.get(Part::Report.file_name());
    page.map(|page| dir.join(&page.key))
}

/// A moment of a backfill, and who moved since the run before, whose segments are `before`.
pub(crate) fn moment(finished: &Finished, before: Option<&Profile>) -> shared::Result<String> {
    let manifest = &finished.manifest;
    let mut text = format!(
        "{}: {} customers, run {}, model {}\n",
        manifest.effective_as_of,
        manifest.customers,
        manifest.run.run_id,
        manifest.run.model_version
    );
    let (Some(before), Some(migrations)) = (before, &manifest.migrations) else {
        return Ok(text);
    };
    matrix(&mut text, migrations, before, &finished.profile)?;
    Ok(text)
}

/// Who went where, a row a segment before and a column a segment now; refused if the sums
/// are not the members of both runs.
fn matrix(
    text: &mut String,
    migrations: &Migrations,
    before: &Profile,
    now: &Profile,
) -> shared::Result<()> {
    let members = |profile: &Profile| -> BTreeMap<u32, u64> {
        let segments = profile.segments.iter();
        segments.map(|s| (s.label, s.customers)).collect()
    };
    let (rows, columns) = (members(before), members(now));
    let cell = |from: Option<u32>, to: Option<u32>| -> u64 {
        let cells = migrations.matrix.iter();
        let found = cells.filter(|cell| cell.from == from && cell.to == to);
        found.map(|cell| cell.flow.customers).sum()
    };
    let named = |ids: &BTreeMap<u32, u64>| -> Vec<Option<u32>> {
        ids.keys().copied().map(Some).chain([None]).collect()
    };
    let title = |id: Option<u32>, none: &str| id.map_or(none.to_owned(), |id| id.to_string());
    let mut line = |first: &str, cells: Vec<String>| {
        // Writing to a String can't fail.
        let _ = write!(text, "{first:>10}");
        for cell in cells {
            let _ = write!(text, "{cell:>8}");
        }
        text.push('\n');
    };
    let heads = named(&columns).into_iter().map(|id| title(id, "left"));
    line("from \\ to", heads.collect());
    for from in named(&rows) {
        let cells = named(&columns)
            .into_iter()
            .map(|to| cell(from, to).to_string());
        line(&title(from, "entered"), cells.collect());
    }
    let sums = |of: fn(&Migration) -> Option<u32>| {
        let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
        for cell in &migrations.matrix {
            if let Some(id) = of(cell) {
                *sums.entry(id).or_default() += cell.flow.customers;
            }
        }
        sums
    };
    if sums(|cell| cell.from) != rows || sums(|cell| cell.to) != columns {
        return Err(shared::Error::Internal(
            "the migrations do not sum up to the members of both runs".to_owned(),
        ));
    }
    let _ = writeln!(
        text,
        "{} stayed, {} moved (worth {:.2}), {} entered, {} left; sums are the members of both runs",
        migrations.stayed.customers,
        migrations.moved.customers,
        migrations.moved.gross_revenue,
        migrations.entered.customers,
        migrations.left.customers
    );
    Ok(())
}

/// How good segments are, a line a figure.
pub(crate) fn evaluation(measured: &Evaluation) {
    let first = &measured.first_segment;
    println!(
        "{} customers, {} segments, {}",
        measured.customers,
        measured.segments,
        measured.model.as_ref().map_or_else(
            || "fitted for this".to_owned(),
            |model| format!("model {model}")
        )
    );
    println!(
        "first segment           {:.1}% of the customers, {:.1}% of the revenue",
        first.customers_share * 100.0,
        first.revenue_share * 100.0
    );
    for (name, value) in [
        ("silhouette", measured.silhouette),
        ("inertia", measured.inertia),
        ("eta_squared", measured.eta_squared),
        ("trustworthiness", measured.trustworthiness),
        ("stability_ari", measured.stability_ari),
        ("stability_ari_lowest", measured.stability_ari_lowest),
        ("stability_ari_pairs", measured.stability_ari_pairs),
        ("held_out_agreement", measured.held_out_agreement),
        ("held_out_ari", measured.held_out_ari),
        ("training_agreement", measured.training_agreement),
    ] {
        println!("{name:<24}{value:.3}");
    }
    for segment in &measured.segment_stability {
        println!("  {:.3}  {}", segment.jaccard, segment.segment);
    }
    println!("{}", rules(&measured.rules));
}

/// The rules of the segments as a table, beside the best boxes of RFM quintiles.
fn rules(measured: &Explained) -> String {
    let longest = |of: fn(&ExplainedSegment) -> &str| {
        let lengths = measured.segments.iter().map(|row| of(row).chars().count());
        lengths.max().unwrap_or(0).max("segment".len())
    };
    let (name, rule) = (
        longest(|row| &row.segment),
        longest(|row| row.rule.rule.as_str()),
    );
    let mut text = format!(
        "{:<name$}  {:<rule$}{:>11}{:>8}{:>10}{:>7}{:>8}  RFM box\n",
        "segment", "rule", "precision", "recall", "coverage", "F1", "RFM F1"
    );
    for row in &measured.segments {
        let told = &row.rule;
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{:<name$}  {:<rule$}{:>11.3}{:>8.3}{:>10.3}{:>7.3}{:>8.3}  {}",
            row.segment,
            told.rule,
            told.rule_precision,
            told.rule_recall,
            told.rule_coverage,
            told.rule_f1,
            row.rfm_f1,
            row.rfm
        );
    }
    let _ = write!(
        text,
        "mean F1, weighted by customers: rules {:.3}, best single RFM boxes {:.3}",
        measured.mean_f1, measured.rfm_mean_f1
    );
    text
}

/// The runs that are kept; the one that readers see has a star.
pub(crate) fn runs(runs: &[KeptRun]) {
    println!("  run                   as of                customers  published");
    for run in runs {
        let mark = if run.current { '*' } else { ' ' };
        println!(
            "{mark} {:<20}  {:<19}{:>11}  {}",
            run.run_id, run.as_of, run.customers, run.published_at
        );
    }
}

/// Columns of the terminal; as many as it takes where there is none.
fn columns() -> usize {
    if !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.map_or(80, |size| usize::from(size.ws_col))
}

/// The profile as a table, the segment of the highest mean revenue first; with the segments'
/// rules if `columns` are enough.
fn table(profile: &Profile, columns: usize) -> String {
    let names = profile
        .segments
        .iter()
        .map(|row| row.segment.chars().count());
    let width = names.max().unwrap_or(0).max("segment".len());
    let rule = |row: &SegmentProfile| row.rule.as_ref().map(|rule| rule.rule.clone());
    let longest = profile.segments.iter().filter_map(rule);
    let longest = longest.map(|rule| rule.chars().count()).max();
    let rules = longest.is_some_and(|longest| width + FIGURES + longest <= columns);
    let mut text = format!(
        "{:<width$}{:>11}{:>8}{:>14}{:>14}{:>9}{:>9}{:>12}{}\n",
        "segment",
        "customers",
        "share",
        "mean revenue",
        "invoices/day",
        "returns",
        "recency",
        "of revenue",
        if rules { "  rule" } else { "" }
    );
    for row in &profile.segments {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{:<width$}{:>11}{:>7.1}%{:>14.2}{:>14.4}{:>9.2}{:>7.0} d{:>11.1}%{}",
            row.segment,
            row.customers,
            row.share * 100.0,
            row.gross_revenue,
            row.frequency,
            row.returns,
            row.recency_days,
            row.revenue_share * 100.0,
            rule(row)
                .filter(|_| rules)
                .map_or_else(String::new, |rule| format!("  {rule}"))
        );
    }
    text
}
