//! Runs of each kind, and what is there before them.

use shared::contracts::{Mode, ObjectRef, Request};
use shared::settings::Settings;

/// What kind of run is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The first of a shop: nothing is there.
    First,
    /// A new export under the champion.
    Apply,
    /// New models beside the champion, with a segment more.
    Refit,
    /// An upload that adds up with the one before.
    Append,
    /// The event of a run that is there, delivered once more.
    Again,
    /// New models, the customers in three shards.
    Shards,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] = [
        Self::First,
        Self::Apply,
        Self::Refit,
        Self::Append,
        Self::Again,
        Self::Shards,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Apply => "apply",
            Self::Refit => "refit",
            Self::Append => "append",
            Self::Again => "again",
            Self::Shards => "shards",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|all| all.name() == name);
        found.unwrap()
    }

    /// What was asked for and done before.
    pub(crate) fn before(self) -> Vec<(Request, Settings)> {
        match self {
            Self::First => Vec::new(),
            _ => vec![(request("uploads/a.csv", Mode::Auto), self.settings(3))],
        }
    }

    /// What is asked for now.
    pub(crate) fn asked(self) -> (Request, Settings) {
        match self {
            Self::First | Self::Again => (request("uploads/a.csv", Mode::Auto), self.settings(3)),
            Self::Apply | Self::Append => (request("uploads/b.csv", Mode::Auto), self.settings(3)),
            Self::Refit => (request("uploads/b.csv", Mode::Fit), self.settings(4)),
            Self::Shards => {
                let mut request = request("uploads/b.csv", Mode::Fit);
                request.scale.shards = Some(3);
                (request, self.settings(4))
            }
        }
    }

    fn settings(self, k: usize) -> Settings {
        let source = match self {
            Self::Append => "[source]\nhistory = 'append'\n[cleaning]\nguests = 'invoice'\n",
            _ => "",
        };
        let text = format!(
            "{source}[embedding]\ntrees = 10\n[clustering]\nk = {k}\nn_init = 5\n[gates]\n\
             min_silhouette = -1.0\nresamples = 0\nmax_moved_share = 1.0\n\
             max_share_shift = 1.0\nmax_psi = 1e9\nmax_ks = 1.0\n"
        );
        Settings::parse(&text, "the test").unwrap()
    }
}

fn request(key: &str, mode: Mode) -> Request {
    Request {
        source: ObjectRef {
            bucket: "insiders".to_owned(),
            key: key.to_owned(),
            version: None,
        },
        mode,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    }
}
