//! The pointer to the version in use, with the history of its moves and the names that
//! people gave to segments. Every change is a conditional write: of two at once one is made
//! on top of the other, and neither is lost.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::BundleManifest;
use crate::contracts::Layout;
use crate::store::{ETag, Store};
use crate::{Error, Result};

/// `models/champion.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Champion {
    /// The version that `apply` uses.
    pub version: String,
    /// Every move of the pointer, the first one first.
    pub history: Vec<Move>,
    /// The number that the next new segment gets.
    #[serde(default)]
    pub next_segment: u32,
    /// Names that people gave to segments, by number; they outlast refits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<u32, String>,
    /// Numbers that a version has for its new segments, until it is champion: another attempt
    /// at the same fit gets the same ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reserved: BTreeMap<String, Reserved>,
}

/// Numbers for new segments, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The first of them.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// One move of the pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The version that became champion.
    pub version: String,
    /// Why.
    pub cause: Cause,
    /// The run that fitted it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

/// Why the pointer moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A fit passed its gates, or was the first.
    Fit,
    /// Models were imported.
    Import,
    /// Somebody promoted it.
    Promote,
    /// Somebody went back to it.
    Rollback,
}

impl Champion {
    /// The version that was champion before the present one: moves are a stack, and going
    /// back takes the last one off.
    pub fn previous(&self) -> Option<&str> {
        let mut stack: Vec<&str> = Vec::new();
        for step in &self.history {
            if step.cause == Cause::Rollback {
                stack.pop();
            } else if stack.last() != Some(&step.version.as_str()) {
                stack.push(&step.version);
            }
        }
        stack.pop();
        stack.last().copied()
    }

    /// Whether it became champion by being fitted in this run.
    pub fn is_made_by(&self, run_id: &str) -> bool {
        self.history.last().is_some_and(|last| {
            last.cause == Cause::Fit
                && last.version == self.version
                && last.run_id.as_deref() == Some(run_id)
        })
    }

    fn moved(&mut self, manifest: &BundleManifest, cause: Cause, run_id: Option<&str>) {
        self.version.clone_from(&manifest.version);
        let highest = manifest.segments.iter().map(|segment| segment.id).max();
        let free = highest.map_or(0, |id| id.saturating_add(1));
        self.next_segment = self.next_segment.max(free);
        self.reserved.remove(&manifest.version);
        self.history.push(Move {
            version: manifest.version.clone(),
            cause,
            run_id: run_id.map(str::to_owned),
        });
    }
}

/// The champion, if there is one, with the tag that a conditional write needs.
pub async fn champion(store: &Store) -> Result<Option<(Champion, ETag)>> {
    let Some((bytes, etag)) = store.get_optional(Layout::CHAMPION).await? else {
        return Ok(None);
    };
    let corrupt = |reason: String| Error::Corrupt {
        object: Layout::CHAMPION.to_owned(),
        reason,
    };
    let champion: Champion = serde_json::from_slice(&bytes).map_err(|e| corrupt(e.to_string()))?;
    // `reserve` may have written it before there is a champion.
    let mut named = champion.history.iter().map(|step| &step.version);
    let own = Some(&champion.version).filter(|version| !version.is_empty());
    if let Some(version) = own
        .into_iter()
        .chain(&mut named)
        .find(|v| !Layout::is_name(v))
    {
        return Err(corrupt(format!("{version:?} can't be a model's version")));
    }
    Ok(Some((champion, etag)))
}

/// Times that a lost race is run again.
const ATTEMPTS: usize = 20;

/// Changes the pointer as it is found, until nobody else was faster. `change` leaves it as
/// it is to say that nothing has to be written.
async fn change<T>(store: &Store, mut change: impl FnMut(&mut Champion) -> Result<T>) -> Result<T> {
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        let (current, etag) = champion(store).await?.unzip();
        let mut next = current.clone().unwrap_or_default();
        let answer = change(&mut next)?;
        if Some(&next) == current.as_ref() {
            return Ok(answer);
        }
        let json = serde_json::to_vec_pretty(&next).map_err(|e| Error::Internal(e.to_string()))?;
        let written = store.put_if(
            Layout::CHAMPION,
            "application/json",
            Bytes::from(json),
            etag.as_ref(),
        );
        match written.await {
            Ok(()) => return Ok(answer),
            Err(e @ Error::Conflict { .. }) => lost = Some(e),
            Err(e) => return Err(e),
        }
    }
    Err(lost.unwrap_or_else(|| Error::Internal("the champion was not written".to_owned())))
}

/// Makes a version the champion, whatever is in its place; nothing changes if it is already.
pub async fn promote(
    store: &Store,
    manifest: &BundleManifest,
    cause: Cause,
    run_id: Option<&str>,
) -> Result<()> {
    change(store, |champion| {
        if champion.version != manifest.version {
            champion.moved(manifest, cause, run_id);
        }
        Ok(())
    })
    .await
}

/// Makes a fitted version the champion if the champion is still the one that it was measured
/// against, or none; otherwise says which one is.
pub async fn promote_after(
    store: &Store,
    manifest: &BundleManifest,
    predecessor: Option<&str>,
    run_id: &str,
) -> Result<Option<String>> {
    change(store, |champion| {
        if champion.version == manifest.version {
            return Ok(None);
        }
        if champion.version != predecessor.unwrap_or_default() {
            return Ok(Some(champion.version.clone()));
        }
        champion.moved(manifest, Cause::Fit, Some(run_id));
        Ok(None)
    })
    .await
}

/// Goes back to the champion before; says which it is. `describe` reads its manifest.
pub async fn rollback(store: &Store) -> Result<String> {
    let (current, _) = champion(store).await?.ok_or_else(none)?;
    let Some(previous) = current.previous().map(str::to_owned) else {
        return Err(Error::NotFound {
            what: "an earlier champion".to_owned(),
            hint: format!("{} is the first", current.version),
        });
    };
    // read before it is pointed to: a version that is gone or damaged is no way back
    let manifest = super::Bundle::load(store, &previous).await?.manifest;
    change(store, |champion| {
        if champion.history != current.history {
            return Err(Error::Conflict {
                what: Layout::CHAMPION.to_owned(),
                reason: format!("it moved to {} meanwhile", champion.version),
            });
        }
        champion.moved(&manifest, Cause::Rollback, None);
        Ok(())
    })
    .await?;
    Ok(previous)
}

/// Takes `count` numbers for new segments; the first of them. Asked again for the same
/// version, it gives the same ones.
pub async fn reserve(store: &Store, version: Option<&str>, count: u32) -> Result<u32> {
    change(store, |champion| {
        if champion.version.is_empty() {
            return Err(none());
        }
        let known = version.and_then(|version| champion.reserved.get(version));
        if let Some(known) = known.filter(|known| known.count == count) {
            return Ok(known.first);
        }
        let first = champion.next_segment;
        let next = first.checked_add(count);
        champion.next_segment =
            next.ok_or_else(|| Error::Internal("no number is left for a segment".to_owned()))?;
        if let Some(version) = version {
            let taken = Reserved { first, count };
            champion.reserved.insert(version.to_owned(), taken);
        }
        Ok(first)
    })
    .await
}

/// Gives a segment of the champion another name, from the next run on.
pub async fn rename(store: &Store, segment: u32, name: &str) -> Result<()> {
    let (current, _) = champion(store).await?.ok_or_else(none)?;
    let manifest = super::Bundle::describe(store, &current.version).await?;
    change(store, |champion| {
        let known = &manifest.segments;
        if !known.iter().any(|s| s.id == segment) {
            let numbers: Vec<String> = known.iter().map(|s| s.id.to_string()).collect();
            return Err(Error::NotFound {
                what: format!("segment {segment} of model {}", manifest.version),
                hint: format!("its segments are {}", numbers.join(", ")),
            });
        }
        let name_of = |s: &crate::segments::Segment| {
            let renamed = champion.names.get(&s.id);
            renamed.unwrap_or(&s.name).clone()
        };
        let taken = known.iter().find(|s| s.id != segment && name_of(s) == name);
        if let Some(other) = taken {
            return Err(Error::config(
                "name",
                format!("segment {} is called '{name}' already", other.id),
            ));
        }
        champion.names.insert(segment, name.to_owned());
        Ok(())
    })
    .await
}

fn none() -> Error {
    Error::NotFound {
        what: "a champion model".to_owned(),
        hint: "fit one first with mode fit or auto".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(moves: &[(&str, Cause)]) -> Champion {
        let moves = moves.iter();
        Champion {
            history: moves
                .map(|&(version, cause)| Move {
                    version: version.to_owned(),
                    cause,
                    run_id: None,
                })
                .collect(),
            ..Champion::default()
        }
    }

    #[test]
    fn going_back_twice_goes_back_two_versions() {
        let mut steps = vec![("a", Cause::Fit), ("b", Cause::Fit), ("c", Cause::Promote)];
        assert_eq!(after(&steps).previous(), Some("b"));
        steps.push(("b", Cause::Rollback));
        assert_eq!(after(&steps).previous(), Some("a"));
        steps.push(("d", Cause::Fit));
        assert_eq!(after(&steps).previous(), Some("b"));
        assert_eq!(after(&steps[..1]).previous(), None);
        assert_eq!(after(&[]).previous(), None);
    }
}
