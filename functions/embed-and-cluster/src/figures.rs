//! The run's figures for CloudWatch.

use shared::bundle::champion;
use shared::contracts::{Layout, Part, RunState};
use shared::metrics::{Figures, of_segments};
use shared::segments::Profile;
use shared::store::Store;
use shared::{Error, Result};

/// What the stage found; nothing of a run that was there already. Figures that can't be had
/// are no reason to fail a run: the log says why.
pub async fn figures(store: &Store, state: &RunState) -> Vec<Figures> {
    let is_told = state.artifacts.contains_key(Part::Profile.file_name());
    if state.already_complete || !is_told {
        return Vec::new();
    }
    match profiles(store, state).await {
        Ok((now, fitted)) => of_segments(state, &now, fitted.as_ref()),
        Err(error) => {
            tracing::warn!(%error, "no figures of the segments");
            Vec::new()
        }
    }
}

/// The run's profile and that of the run that fitted its model, where that is another one
/// and still kept.
async fn profiles(store: &Store, state: &RunState) -> Result<(Profile, Option<Profile>)> {
    let run = &state.run;
    let key = Layout::new(&run.run_id).key(Part::Profile);
    let now = parse(&store.get(&key).await?, &key)?;
    let Some((champion, _)) = champion(store).await? else {
        return Ok((now, None));
    };
    let moves = champion.history.iter().rev();
    let fitted = moves
        .filter(|step| step.version == run.model_version)
        .find_map(|step| step.run_id.as_deref())
        .filter(|&fitted| fitted != run.run_id);
    let Some(fitted) = fitted else {
        return Ok((now, None));
    };
    let key = Layout::new(fitted).key(Part::Profile);
    let body = store.get_optional(&key).await?;
    let fitted = body.map(|(body, _)| parse(&body, &key)).transpose()?;
    Ok((now, fitted))
}

fn parse(body: &[u8], key: &str) -> Result<Profile> {
    serde_json::from_slice(body).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })
}
