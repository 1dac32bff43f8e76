//! The catalogue of bad input: named files, and what is to become of each.
//!
//! Every file is made here, none is stored: `cargo run --release -p insiders --example
//! bad_input -- DIR` writes them all, the tests run them all (`cli/tests/it/catalogue.rs`).

mod cells;
mod customers;
mod dates;
mod encodings;
mod export;
mod foreign;
mod identifiers;
mod numbers;
mod packing;
mod shape;

use export::{cell, rows};

/// What is to become of a file.
pub(crate) enum Expect {
    /// The run ends with `Insiders.BadInput`; the error holds these words.
    Refused(Vec<&'static str>),
    /// The run goes through.
    Done {
        kept: u64,
        /// Rows by the rule that drops them.
        dropped: Vec<(&'static str, u64)>,
        /// Rows by the reason for which they can't be read.
        quarantined: Vec<(&'static str, u64)>,
    },
}

/// How much of the product a file goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The first stage, which decides about every row.
    Preprocess,
    /// Models too: the rows are fine and the customers are strange.
    Whole,
    /// The command line, in a process that may use so many MiB more than for a good file.
    Watched(u64),
}

/// One file.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Files of one kind stand together.
    pub(crate) theme: &'static str,
    /// What is in it, where the name doesn't say all.
    pub(crate) about: String,
    /// Laid over the default settings.
    pub(crate) settings: &'static str,
    pub(crate) depth: Depth,
    pub(crate) expect: Expect,
    make: Box<dyn Fn() -> Vec<u8>>,
}

impl Case {
    fn new(name: &str, expect: Expect, make: impl Fn() -> Vec<u8> + 'static) -> Self {
        Self {
            name: name.to_owned(),
            theme: "",
            about: String::new(),
            settings: "",
            depth: Depth::Preprocess,
            expect,
            make: Box::new(make),
        }
    }

    fn with(self, settings: &'static str) -> Self {
        Self { settings, ..self }
    }

    fn to(self, depth: Depth) -> Self {
        Self { depth, ..self }
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (self.make)()
    }
}

/// The whole catalogue, by theme.
pub(crate) fn all() -> Vec<Case> {
    let themes = [
        ("Files that are no CSV", foreign::cases()),
        ("Compressed files", packing::cases()),
        ("Encodings", encodings::cases()),
        ("Headers, lines and quotes", shape::cases()),
        ("Numbers", numbers::cases()),
        ("Dates", dates::cases()),
        ("Invoice and customer numbers", identifiers::cases()),
        ("Descriptions, stock codes and countries", cells::cases()),
        ("Customers", customers::cases()),
    ];
    let of = |(theme, cases): (&'static str, Vec<Case>)| {
        cases.into_iter().map(move |case| Case { theme, ..case })
    };
    themes.into_iter().flat_map(of).collect()
}

/// Refused with an error that holds `words`.
fn refused(words: &[&'static str]) -> Expect {
    Expect::Refused(words.to_vec())
}

/// All rows are kept.
fn kept(kept: u64) -> Expect {
    Expect::Done {
        kept,
        dropped: Vec::new(),
        quarantined: Vec::new(),
    }
}

/// The good rows are kept and `rows` others are dropped by `rule`.
fn dropped(rule: &'static str, rows: u64) -> Expect {
    Expect::Done {
        kept: export::GOOD,
        dropped: vec![(rule, rows)],
        quarantined: Vec::new(),
    }
}

/// The good rows are kept and `rows` others can't be read for `reason`.
fn quarantined(reason: &'static str, rows: u64) -> Expect {
    Expect::Done {
        kept: export::GOOD,
        dropped: Vec::new(),
        quarantined: vec![(reason, rows)],
    }
}

/// What becomes of a row that stands among good ones.
#[derive(Clone, Copy)]
enum Fate {
    Kept,
    Dropped(&'static str),
    Quarantined(&'static str),
}

impl Fate {
    fn expect(self) -> Expect {
        match self {
            Self::Kept => kept(export::GOOD + 1),
            Self::Dropped(rule) => dropped(rule, 1),
            Self::Quarantined(reason) => quarantined(reason, 1),
        }
    }
}

/// Characters of a value that are shown.
const SHOWN: usize = 40;

/// A case for each value of a column that stands in one row among good ones.
fn column(
    column: &'static str,
    settings: &'static str,
    values: Vec<(&'static str, String, Fate)>,
) -> Vec<Case> {
    let case = |(name, value, fate): (&'static str, String, Fate)| {
        let name = format!("{}-{name}.csv", column.to_lowercase());
        let visible = |c: char| match c {
            '\'' | '"' | '\\' => c.to_string(),
            '\0' => c.escape_unicode().to_string(),
            c => c.escape_debug().to_string(),
        };
        let shown: String = value.chars().take(SHOWN).map(visible).collect();
        let rest = if value.chars().count() > SHOWN {
            "…"
        } else {
            ""
        };
        let case = Case::new(&name, fate.expect(), move || rows(&cell(column, &value)));
        Case {
            about: format!("a row with '{shown}{rest}' as {column}"),
            ..case.with(settings)
        }
    };
    values.into_iter().map(case).collect()
}
