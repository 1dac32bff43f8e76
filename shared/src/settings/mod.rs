//! What a shop may change: `insiders.toml`. Every key is optional; the defaults reproduce
//! the notebook's cleaning and features. Unknown keys are refused by name.

mod checks;
mod decimal;
mod gates;
mod history;
mod scale;
mod value;

use serde::{Deserialize, Serialize};

use crate::models::{self, KMeansParams};
use crate::{Error, Result};

pub use checks::{CheckSettings, Level};
pub use decimal::{Decimal, DecimalError};
pub use gates::GateSettings;
pub use history::History;
pub use scale::{Engine, ScaleSettings};
pub use value::{RfmSettings, ValueSettings};

/// All settings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which set of defaults the other keys start from.
    pub profile: Profile,
    /// How the export is read.
    pub source: SourceSettings,
    /// Which lines count.
    pub cleaning: CleaningSettings,
    /// Forest and UMAP.
    pub embedding: EmbeddingSettings,
    /// k-means.
    pub clustering: ClusteringSettings,
    /// What a refit must reach to take the champion's place.
    pub gates: GateSettings,
    /// What is looked at when an export is held against that of the run before.
    #[serde(default)]
    pub checks: CheckSettings,
    /// Scores by recency, purchases and revenue.
    #[serde(default)]
    pub rfm: RfmSettings,
    /// Customer lifetime value.
    #[serde(default)]
    pub value: ValueSettings,
    /// Postgres.
    pub publish: PublishSettings,
    /// What becomes of runs that are too large for one function.
    #[serde(default)]
    pub scale: ScaleSettings,
}

/// A named set of defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The best that was measured.
    #[default]
    Default,
    /// The notebook's own choices everywhere.
    Notebook,
}

/// How the bytes of an export are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// `windows-1252` or `utf-8`; a byte order mark wins.
    pub encoding: Encoding,
    /// One ASCII character.
    pub delimiter: char,
    /// strftime format of the invoice date.
    pub date_format: String,
    /// Texts that mean "no value" in the description and customer columns.
    pub null_values: Vec<String>,
    /// The export's name of each column.
    pub columns: Columns,
    /// Whether an upload is the whole history or adds to it.
    #[serde(default, skip_serializing_if = "History::is_snapshot")]
    pub history: History,
    /// Lines older than this many days before the run's moment are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
}

/// Text encoding of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// Windows code page 1252.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
}

/// The export's name of each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the names say it
pub struct Columns {
    pub invoice_no: String,
    pub stock_code: String,
    pub description: String,
    pub quantity: String,
    pub invoice_date: String,
    pub unit_price: String,
    pub customer_id: String,
    pub country: String,
}

/// Which lines count and who they belong to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleaningSettings {
    /// How lines without a customer id are attributed.
    pub guests: Guests,
    /// Lines whose stock code matches this regular expression are dropped.
    pub excluded_stock_codes: String,
    /// Lines from these countries are dropped.
    pub excluded_countries: Vec<String>,
    /// Lines of these customers are dropped.
    pub excluded_customers: Vec<String>,
    /// Lines with a lower unit price are dropped.
    pub min_unit_price: Decimal,
    /// The run fails if a larger share of the rows can't be read.
    pub max_quarantined_share: f64,
}

/// How lines without a customer id are attributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guests {
    /// One guest an invoice, named after the invoice: the same in every upload.
    Invoice,
    /// One guest an invoice, numbered from 19000 in order of first appearance.
    Sequential,
    /// The lines are dropped.
    Drop,
}

/// Forest and UMAP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSettings {
    /// Trees of the forest.
    pub trees: usize,
    /// What the forest is fitted to.
    #[serde(default)]
    pub target: Target,
    /// How the forest's nodes are cut.
    #[serde(default)]
    pub splits: Splits,
    /// Distance between customers' leaf vectors.
    pub metric: Metric,
    /// Neighbours of the fuzzy graph, the customer included.
    pub n_neighbors: usize,
    /// Least distance of points in the embedding.
    pub min_dist: f64,
    /// Where the points of the embedding start.
    #[serde(default)]
    pub start: Start,
    /// Customers that the models are fitted to, where there are more; by default as many as the
    /// memory of the process takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_customers: Option<u64>,
}

/// What the forest is fitted to. The first variant of this and of the next two is what
/// bundles without the key were fitted with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Revenue, min-max scaled (the notebook's).
    #[default]
    #[serde(rename = "revenue")]
    Revenue,
    /// The logarithm of revenue: ten more mean more to a small customer.
    #[serde(rename = "log-revenue")]
    LogRevenue,
}

/// How the forest's nodes are cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Splits {
    /// The best cut of all (the notebook's).
    #[default]
    Best,
    /// The best of one random cut a feature.
    Random,
    /// As random, with most cuts of the leading feature at round numbers.
    Round,
}

/// Where the points of the embedding start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the eigenvectors of the neighbour graph (the notebook's).
    #[default]
    Spectral,
    /// In the order of the revenue that the forest predicts.
    Prediction,
}

/// Distance between leaf vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Share of trees in which two customers fall in different leaves.
    Hamming,
    /// Euclidean distance of the leaf numbers (the notebook's).
    Euclidean,
}

/// k-means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusteringSettings {
    /// Segments.
    pub k: usize,
    /// Initial centroids.
    pub init: Init,
    /// Restarts; the one with the lowest inertia is kept.
    pub n_init: usize,
    /// Iterations of one restart.
    pub max_iter: usize,
    /// Seed of every random choice of a fit.
    pub seed: u64,
}

/// Initial centroids of k-means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// k distinct customers.
    #[serde(rename = "random")]
    Random,
    /// k-means++ (Arthur and Vassilvitskii 2007).
    #[serde(rename = "k-means++")]
    KMeansPlusPlus,
}

/// Postgres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishSettings {
    /// Runs kept in Postgres, the current one included.
    pub keep_runs: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(Profile::Default)
    }
}

impl ClusteringSettings {
    /// The parameters of a fit, with scikit-learn's default tolerance.
    pub fn kmeans(&self) -> KMeansParams {
        KMeansParams {
            k: self.k,
            init: match self.init {
                Init::Random => models::Init::Random,
                Init::KMeansPlusPlus => models::Init::KMeansPlusPlus,
            },
            n_init: self.n_init,
            max_iter: self.max_iter,
            tol: 1e-4,
            seed: self.seed,
        }
    }
}

impl EmbeddingSettings {
    fn notebook() -> Self {
        Self {
            trees: 100,
            target: Target::Revenue,
            splits: Splits::Best,
            metric: Metric::Euclidean,
            n_neighbors: 15,
            min_dist: 0.1,
            start: Start::Spectral,
            fit_customers: None,
        }
    }

    /// Chosen by measurements: docs/QUALITY.md.
    fn measured() -> Self {
        Self {
            trees: 200,
            target: Target::LogRevenue,
            splits: Splits::Round,
            metric: Metric::Hamming,
            n_neighbors: 15,
            min_dist: 0.0,
            start: Start::Prediction,
            fit_customers: None,
        }
    }
}

impl Settings {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Self {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let notebook = profile == Profile::Notebook;
        Self {
            profile,
            source: SourceSettings {
                encoding: Encoding::Windows1252,
                delimiter: ',',
                date_format: "%m/%d/%Y %H:%M".to_owned(),
                null_values: texts(&PANDAS_NULLS),
                columns: Columns::default(),
                history: History::Snapshot,
                window_days: None,
            },
            cleaning: CleaningSettings {
                guests: if notebook {
                    Guests::Sequential
                } else {
                    Guests::Invoice
                },
                excluded_stock_codes: "^[a-zA-Z]+$".to_owned(),
                excluded_countries: texts(&["European Community", "Unspecified"]),
                excluded_customers: texts(&["16446"]),
                min_unit_price: Decimal::from_hundredths(4),
                max_quarantined_share: 0.01,
            },
            embedding: if notebook {
                EmbeddingSettings::notebook()
            } else {
                EmbeddingSettings::measured()
            },
            clustering: ClusteringSettings {
                k: 11,
                init: Init::Random,
                n_init: 300,
                max_iter: 300,
                seed: 42,
            },
            gates: GateSettings::of(profile),
            checks: CheckSettings::default(),
            rfm: RfmSettings::default(),
            value: ValueSettings::default(),
            publish: PublishSettings { keep_runs: 30 },
            scale: ScaleSettings::default(),
        }
    }

    /// Reads settings, laid over the defaults of the profile that they name. `origin` is the
    /// file's name, for errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let wrong = |reason: &dyn std::fmt::Display| {
            Error::config(origin, reason.to_string().trim().replace('\n', " "))
        };
        let given: toml::Table = text.parse().map_err(|e| wrong(&e))?;
        let profile = match given.get("profile") {
            None => Profile::Default,
            Some(value) => value.clone().try_into().map_err(|e| wrong(&e))?,
        };
        let mut table = toml::Table::try_from(Self::of(profile)).map_err(|e| wrong(&e))?;
        overlay(&mut table, given);
        let settings: Self = table.try_into().map_err(|e| wrong(&e))?;
        settings.check(origin)?;
        Ok(settings)
    }

    fn check(&self, origin: &str) -> Result<()> {
        let ensure = |ok: bool, reason: &str| {
            if ok {
                Ok(())
            } else {
                Err(Error::config(origin, reason))
            }
        };
        let delimiter = self.source.delimiter;
        ensure(
            delimiter.is_ascii() && !matches!(delimiter, '"' | '\r' | '\n'),
            "source.delimiter must be one ASCII character other than a quote or a line end",
        )?;
        history::check(&self.source, self.cleaning.guests, origin)?;
        let cleaning = &self.cleaning;
        regex::Regex::new(&cleaning.excluded_stock_codes).map_err(|e| {
            let reason = e.to_string().replace('\n', " ");
            Error::config(origin, format!("cleaning.excluded_stock_codes: {reason}"))
        })?;
        ensure(
            (0.0..=1.0).contains(&cleaning.max_quarantined_share),
            "cleaning.max_quarantined_share must be between 0 and 1",
        )?;
        let embedding = &self.embedding;
        ensure(
            (1..=10_000).contains(&embedding.trees),
            "embedding.trees must be between 1 and 10000",
        )?;
        ensure(
            (2..=1_000).contains(&embedding.n_neighbors),
            "embedding.n_neighbors must be between 2 and 1000",
        )?;
        ensure(
            (0.0..1.0).contains(&embedding.min_dist),
            "embedding.min_dist must be at least 0 and less than 1",
        )?;
        ensure(
            embedding.fit_customers.is_none_or(|n| n >= 1_000),
            "embedding.fit_customers must be at least 1000",
        )?;
        let clustering = &self.clustering;
        ensure(
            (2..=1_000).contains(&clustering.k),
            "clustering.k must be between 2 and 1000",
        )?;
        ensure(
            clustering.n_init >= 1 && clustering.max_iter >= 1,
            "clustering.n_init and clustering.max_iter must be at least 1",
        )?;
        if let Some(reason) = self.gates.wrong().or(self.checks.wrong()) {
            return Err(Error::config(origin, reason));
        }
        if let Some(reason) = self.scale.wrong() {
            return Err(Error::config(origin, reason));
        }
        if let Some(reason) = self.rfm.wrong().or_else(|| self.value.wrong()) {
            return Err(Error::config(origin, reason));
        }
        ensure(
            self.publish.keep_runs >= 1,
            "publish.keep_runs must be at least 1",
        )
    }
}

/// pandas' default `na_values`: what the notebook's `read_csv` takes for missing.
const PANDAS_NULLS: [&str; 18] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

impl Default for Columns {
    fn default() -> Self {
        Self {
            invoice_no: "InvoiceNo".to_owned(),
            stock_code: "StockCode".to_owned(),
            description: "Description".to_owned(),
            quantity: "Quantity".to_owned(),
            invoice_date: "InvoiceDate".to_owned(),
            unit_price: "UnitPrice".to_owned(),
            customer_id: "CustomerID".to_owned(),
            country: "Country".to_owned(),
        }
    }
}

/// Lays `over` on `base`, table by table.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
