//! Whether uploads add up, and how far back they are read.

use serde::{Deserialize, Serialize};

use super::{Guests, SourceSettings};
use crate::{Error, Result};

/// What an upload is. The first variant is left out of what is written, so that runs have the
/// ids that they had before there was a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// Everything: a run reads its upload alone.
    #[default]
    Snapshot,
    /// More lines: a run reads all uploads so far.
    Append,
}

impl History {
    // What serde asks of a condition.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn is_snapshot(&self) -> bool {
        *self == Self::Snapshot
    }
}

/// A hundred years: a longer window is a slip.
const MAX_WINDOW: u32 = 36_500;

pub(super) fn check(source: &SourceSettings, guests: Guests, origin: &str) -> Result<()> {
    if let Some(days) = source.window_days
        && !(1..=MAX_WINDOW).contains(&days)
    {
        let reason = format!("source.window_days must be between 1 and {MAX_WINDOW}");
        return Err(Error::config(origin, reason));
    }
    if source.history == History::Append && guests == Guests::Sequential {
        let reason = "source.history = \"append\" needs cleaning.guests = \"invoice\" or \"drop\": \
                      sequential numbers of guests depend on the order of the uploads";
        return Err(Error::config(origin, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn error(text: &str) -> String {
        Settings::parse(text, "insiders.toml")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn guests_numbered_by_the_order_of_lines_are_refused_where_uploads_add_up() {
        let append = "[source]\nhistory = 'append'\nwindow_days = 365";
        let settings = Settings::parse(append, "t").unwrap();
        assert_eq!(settings.source.history, History::Append);
        assert_eq!(settings.source.window_days, Some(365));
        let sequential = format!("{append}\n[cleaning]\nguests = 'sequential'");
        assert!(error(&sequential).contains("order of the uploads"));
        assert!(error(&format!("profile = 'notebook'\n{append}")).contains("cleaning.guests"));
    }
}
