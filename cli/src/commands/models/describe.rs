//! What models there are and what they are like.

use std::collections::BTreeMap;
use std::fmt::Write;

use shared::Error;
use shared::bundle::{Bundle, BundleManifest, Champion, champion};
use shared::segments::{Descent, Origin, Segment};
use shared::store::Store;

use crate::args::{DiffArgs, ListArgs, ModelArgs};
use crate::commands::place::with_store;
use crate::{Failure, output};

/// One line a version, the champion's marked.
pub(super) async fn list(args: ListArgs) -> Result<(), Failure> {
    let (champion, models) = with_store(&args.place, |store| async move {
        let champion = current(&store).await?;
        let mut models = Vec::new();
        for version in Bundle::versions(&store).await? {
            models.push(Bundle::describe(&store, &version).await?);
        }
        Ok((champion, models))
    })
    .await?;
    if args.json {
        let all = serde_json::json!({ "champion": champion, "models": models });
        output::result(&json(&all)?);
        return Ok(());
    }
    let mut text =
        String::from("  version                customers  segments  silhouette  place\n");
    for model in &models {
        let is_champion = champion.version == model.version;
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{} {:<22}{:>10}{:>10}{:>12.3}  {}",
            if is_champion { '*' } else { ' ' },
            model.version,
            model.training_customers,
            model.segments.len(),
            model.quality.silhouette,
            place(model, &champion)
        );
    }
    output::result(text.trim_end());
    Ok(())
}

/// What a version's place is, and why.
fn place(model: &BundleManifest, champion: &Champion) -> String {
    if champion.version == model.version {
        return "champion".to_owned();
    }
    if champion.history.iter().any(|s| s.version == model.version) {
        return "was champion".to_owned();
    }
    let missed = shared::contracts::Promotion::missed(&model.gates);
    missed.map_or_else(
        || "challenger".to_owned(),
        |missed| format!("challenger: {missed}"),
    )
}

/// Everything of one version.
pub(super) async fn show(args: ModelArgs) -> Result<(), Failure> {
    let version = args.version;
    let (manifest, names) = with_store(&args.place, |store| async move {
        let manifest = Bundle::load(&store, &version).await?.manifest;
        Ok((manifest, current(&store).await?.names))
    })
    .await?;
    if args.json {
        output::result(&json(&manifest)?);
        return Ok(());
    }
    let mut text = String::new();
    let embedding = &manifest.embedding;
    let _ = writeln!(
        text,
        "model {}: {} customers of {}, {} trees, silhouette {:.3}",
        manifest.version,
        manifest.training_customers,
        manifest.source.key,
        embedding.trees,
        manifest.quality.silhouette
    );
    let segments = Segment::renamed(&manifest.segments, &names);
    let lineage = manifest.lineage.as_ref();
    for (position, segment) in segments.iter().enumerate() {
        let descent = lineage.and_then(|l| l.segments.get(position));
        let descent = descent.map_or_else(String::new, |d| format!("  {}", told(d)));
        let _ = writeln!(text, "{:>6}  {}{descent}", segment.id, segment.name);
        if let Some(rule) = manifest.rules.get(position) {
            let _ = writeln!(text, "        {}", rule.text());
        }
    }
    if let Some(lineage) = lineage {
        let _ = writeln!(
            text,
            "{:.1}% of the customers keep the segment that {} gives them",
            lineage.agreement * 100.0,
            lineage.predecessor
        );
        for gone in &lineage.gone {
            let into = gone.into.map_or_else(
                || "nobody is left of it".to_owned(),
                |id| format!("most of it is in {id}"),
            );
            let _ = writeln!(text, "{:>6}  {} is gone, {into}", gone.id, gone.name);
        }
    }
    for gate in &manifest.gates {
        let _ = writeln!(
            text,
            "{:<18}{:>9.4}  threshold {}{}",
            gate.name,
            gate.value,
            gate.threshold,
            if gate.passed { "" } else { "  MISSED" }
        );
    }
    output::result(text.trim_end());
    Ok(())
}

fn told(descent: &Descent) -> String {
    let from: Vec<String> = descent.from.iter().map(u32::to_string).collect();
    match descent.origin {
        Origin::Kept => format!("kept, {:.0}% the same", descent.similarity * 100.0),
        Origin::Merged => format!("merged from {}", from.join(" and ")),
        Origin::Split => format!("split from {}", from.join(" and ")),
        Origin::New => "new".to_owned(),
    }
}

/// What differs between two versions.
pub(super) async fn diff(args: DiffArgs) -> Result<(), Failure> {
    let (a, b) = with_store(&args.place, |store| async move {
        let a = Bundle::describe(&store, &args.from).await?;
        Ok((a, Bundle::describe(&store, &args.to).await?))
    })
    .await?;
    let mut text = String::new();
    let (flat_a, flat_b) = (flat(&a)?, flat(&b)?);
    let keys: std::collections::BTreeSet<&String> = flat_a.keys().chain(flat_b.keys()).collect();
    for key in keys {
        let value = |of: &BTreeMap<String, String>| of.get(key).cloned().unwrap_or("-".to_owned());
        let (old, new) = (value(&flat_a), value(&flat_b));
        if old != new {
            let _ = writeln!(text, "{key:<34}{old} -> {new}");
        }
    }
    for (segment, sign) in [(&a, '-'), (&b, '+')].into_iter().flat_map(|(of, sign)| {
        let other = if sign == '-' { &b } else { &a };
        let only = of.segments.iter().filter(|s| !other.segments.contains(s));
        only.map(move |s| (s, sign))
    }) {
        let _ = writeln!(text, "{sign} segment {} {}", segment.id, segment.name);
    }
    if text.is_empty() {
        text.push_str("they do not differ but in their training customers");
    }
    output::result(text.trim_end());
    Ok(())
}

/// The figures and settings of a model by name.
fn flat(model: &BundleManifest) -> Result<BTreeMap<String, String>, Failure> {
    let value = serde_json::json!({
        "embedding": model.embedding,
        "clustering": model.clustering,
        "quality": model.quality,
        "source": model.source,
        "training_customers": model.training_customers,
    });
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((name, value)) = open.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    let dot = if name.is_empty() { "" } else { "." };
                    open.push((format!("{name}{dot}{key}"), value));
                }
            }
            other => {
                found.insert(name, other.to_string());
            }
        }
    }
    Ok(found)
}

async fn current(store: &Store) -> Result<Champion, Failure> {
    let found = champion(store).await?;
    Ok(found.map(|(champion, _)| champion).unwrap_or_default())
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(text)
}
