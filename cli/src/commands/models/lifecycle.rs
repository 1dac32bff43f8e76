//! What changes which model is in use, or what its segments are called.

use shared::bundle::{self, Bundle, Cause, champion};

use crate::args::{PlaceArgs, PromoteArgs, RenameArgs};
use crate::commands::place::with_store;
use crate::{Failure, output};

/// Makes a stored version the champion.
pub(super) async fn promote(args: PromoteArgs) -> Result<(), Failure> {
    let said = with_store(&args.place, |store| async move {
        // loaded whole: a damaged version is refused here, not by the next run
        let manifest = Bundle::load(&store, &args.version).await?.manifest;
        let current = champion(&store).await?.map(|(champion, _)| champion);
        if current.as_ref().is_some_and(|c| c.version == args.version) {
            return Ok(format!("{} is the champion already", args.version));
        }
        bundle::promote(&store, &manifest, Cause::Promote, None).await?;
        let Some(current) = current else {
            return Ok(format!("{} is the champion now", args.version));
        };
        let predecessor = manifest.lineage.map(|lineage| lineage.predecessor);
        let related = predecessor.as_ref().is_some_and(|version| {
            let known = current.history.iter();
            known.map(|step| &step.version).any(|v| v == version)
        });
        let known = related || current.history.iter().any(|s| s.version == args.version);
        let warning = if known {
            ""
        } else {
            "\nits segments were not matched with those of a champion: what their numbers and names mean changes with it"
        };
        Ok(format!(
            "{} is the champion now, {} was before; the next run uses it{warning}",
            args.version, current.version
        ))
    })
    .await?;
    output::result(&said);
    Ok(())
}

/// Goes back to the champion before.
pub(super) async fn rollback(place: PlaceArgs) -> Result<(), Failure> {
    let version = with_store(&place, |store| async move {
        Ok(bundle::rollback(&store).await?)
    })
    .await?;
    output::result(&format!(
        "{version} is the champion again; the next run uses it, what is published stays (insiders runs rollback)"
    ));
    Ok(())
}

/// Gives a segment another name.
pub(super) async fn rename(args: RenameArgs) -> Result<(), Failure> {
    let name = args.name.trim().to_owned();
    if name.is_empty() || name.chars().any(char::is_control) {
        let reason = "a segment's name has at least one character and no control characters";
        return Err(shared::Error::config("name", reason).into());
    }
    let segment = args.segment;
    let said = format!("segment {segment} is called '{name}' from the next run on");
    with_store(&args.place, |store| async move {
        Ok(bundle::rename(&store, segment, &name).await?)
    })
    .await?;
    output::result(&said);
    Ok(())
}
