//! The one error of the product: what was wrong, where, what to do, and whether trying
//! again can help.

use crate::models::ModelError;

/// `Result` with the product's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. The messages are one line, lower case, and never carry a customer's row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data can't be used as they are: the same input will fail again.
    #[error("{}{}: {}", plain(.object), position(*.line, .column.as_deref()), plain(.reason))]
    BadInput {
        /// The object, such as `uploads/sales.csv`.
        object: String,
        /// Physical line, from 1, where one line is to blame.
        line: Option<u64>,
        /// Column's name, where one column is to blame.
        column: Option<String>,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A setting, an event or an argument is wrong.
    #[error("{}: {}", plain(.origin), plain(.reason))]
    Config {
        /// Where the setting came from.
        origin: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Something that was named does not exist.
    #[error("{} does not exist: {}", plain(.what), plain(.hint))]
    NotFound {
        /// What was looked for.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A service did not answer, or asked to be tried again.
    #[error("{service}: {} failed: {}", plain(.operation), plain(.reason))]
    Unavailable {
        /// `S3` or `Postgres`.
        service: &'static str,
        /// What was asked of it.
        operation: String,
        /// Its answer.
        reason: String,
    },
    /// A service refused: wrong credentials, no permission, wrong request.
    #[error("{service}: {} was refused: {}", plain(.operation), plain(.reason))]
    Refused {
        /// `S3` or `Postgres`.
        service: &'static str,
        /// What was asked of it.
        operation: String,
        /// Its answer.
        reason: String,
    },
    /// Somebody else changed the same thing first.
    #[error("{}: {}", plain(.what), plain(.reason))]
    Conflict {
        /// What was to be changed.
        what: String,
        /// Why it was not.
        reason: String,
    },
    /// A run of a later moment is in place; this one is not shown in its stead.
    #[error("{}: {}", plain(.what), plain(.reason))]
    Superseded {
        /// What was to be shown.
        what: String,
        /// What is in place, and what to do.
        reason: String,
    },
    /// A run's models are a challenger: readers do not see it.
    #[error(
        "model {model} stays a challenger: {reason}; insiders models promote {model} makes it the champion all the same"
    )]
    NotPromoted {
        /// The model's version.
        model: String,
        /// Which gate it missed.
        reason: String,
    },
    /// A stored artifact is not what its digest or schema says.
    #[error("{} is damaged: {}", plain(.object), plain(.reason))]
    Corrupt {
        /// The object.
        object: String,
        /// What was found.
        reason: String,
    },
    /// A model can't be fitted, applied or read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A job on another engine failed, in its own words.
    #[error("{}", plain(.message))]
    Job {
        /// What is to blame.
        blame: Blame,
        /// What it says.
        message: String,
    },
    /// A fault of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

/// What a job's failure is put down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The data.
    Input,
    /// A setting.
    Config,
    /// Something that is not there.
    Missing,
    /// The job, or the machines that it ran on.
    Job,
}

impl Blame {
    /// By the name under which the job tells of it.
    pub fn named(name: &str) -> Self {
        let all = [Self::Input, Self::Config, Self::Missing];
        let known = all.into_iter().find(|blame| blame.name() == name);
        known.unwrap_or(Self::Job)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Input => "Insiders.BadInput",
            Self::Config => "Insiders.Config",
            Self::Missing => "Insiders.NotFound",
            Self::Job => "Insiders.Internal",
        }
    }
}

fn position(line: Option<u64>, column: Option<&str>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(", line {line}, column {column}"),
        (Some(line), None) => format!(", line {line}"),
        (None, Some(column)) => format!(", column {column}"),
        (None, None) => String::new(),
    }
}

/// Characters of a part of an error, from its start and from its end, which says what to do.
const START: usize = 1_200;
const END: usize = 300;

/// One line that a person reads, whatever is quoted in it: a key or a setting may hold a line
/// end, or what a terminal takes for an order, and a damaged header is megabytes.
pub(crate) fn plain(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= START + END && !text.contains(char::is_control) {
        return text.into();
    }
    let plain = |c| match c {
        '\n' | '\r' | '\t' => ' ',
        c if char::is_control(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let is_long = text.chars().nth(START + END).is_some();
    let from_end = if is_long {
        text.char_indices().rev().nth(END - 1).map(|(at, _)| at)
    } else {
        None
    };
    let Some(end) = from_end.and_then(|at| text.get(at..)) else {
        return text.chars().map(plain).collect();
    };
    let start = text.chars().take(START).map(plain);
    start.chain(['…']).chain(end.chars().map(plain)).collect()
}

impl Error {
    /// Bad data in `object` as a whole.
    pub fn bad_input(object: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadInput {
            object: object.into(),
            line: None,
            column: None,
            reason: reason.into(),
        }
    }

    /// A wrong setting, event or argument.
    pub fn config(origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Config {
            origin: origin.into(),
            reason: reason.into(),
        }
    }

    /// The name by which a state machine's `Retry` and `Catch` know this error.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadInput { .. } => "Insiders.BadInput",
            Self::Config { .. } => "Insiders.Config",
            Self::NotFound { .. } => "Insiders.NotFound",
            Self::Unavailable { .. } => "Insiders.Unavailable",
            Self::Refused { .. } => "Insiders.Refused",
            Self::Conflict { .. } => "Insiders.Conflict",
            Self::Superseded { .. } => "Insiders.Superseded",
            Self::NotPromoted { .. } => "Insiders.NotPromoted",
            Self::Corrupt { .. } => "Insiders.Corrupt",
            Self::Model(e) if e.is_data() => "Insiders.BadInput",
            Self::Model(ModelError::Corrupt { .. }) => "Insiders.Corrupt",
            Self::Model(_) => "Insiders.Config",
            Self::Job { blame, .. } => blame.name(),
            Self::Internal(_) => "Insiders.Internal",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether the data are to blame: the command line exits with 3.
    pub fn is_bad_input(&self) -> bool {
        self.name() == "Insiders.BadInput"
    }
}

impl ModelError {
    /// Whether the data are to blame, rather than a setting or a stored file.
    pub fn is_data(&self) -> bool {
        matches!(self, Self::TooFewCustomers { .. } | Self::NotFinite { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_failure_has_the_name_that_the_job_gave_it() {
        for name in ["Insiders.BadInput", "Insiders.Config", "Insiders.NotFound"] {
            let error = Error::Job {
                blame: Blame::named(name),
                message: "words".to_owned(),
            };
            assert_eq!((error.name(), error.to_string().as_str()), (name, "words"));
        }
        assert_eq!(Blame::named("OutOfMemory"), Blame::Job);
    }

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        let hostile = "a\r\nb\u{1b}[2Jc\u{85}";
        let text = || hostile.to_owned();
        for error in [
            Error::bad_input(hostile, hostile),
            Error::config(hostile, hostile),
            Error::Corrupt {
                object: text(),
                reason: text(),
            },
            Error::NotFound {
                what: text(),
                hint: text(),
            },
            Error::Model(ModelError::Corrupt {
                file: "f",
                why: text(),
            }),
        ] {
            let shown = error.to_string();
            assert!(!shown.contains(char::is_control), "{shown:?}");
            assert!(shown.contains("a  b\u{fffd}[2Jc"), "{shown:?}");
        }
        let most = "é".repeat(START + END);
        let more = format!("{}{}", "a".repeat(START), "é".repeat(END + 1));
        let long = Error::config(most.clone(), more).to_string();
        let cut = format!("{}…{}", "a".repeat(START), "é".repeat(END));
        assert_eq!(long, format!("{most}: {cut}"));
    }
}
