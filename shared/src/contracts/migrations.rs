//! Who changed segment between two runs, in figures.

use serde::{Deserialize, Serialize};

/// What became of the customers since the run that readers saw before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migrations {
    /// The run before.
    pub from_run_id: String,
    /// In this run and not in the one before.
    pub entered: Flow,
    /// In the run before and not in this one.
    pub left: Flow,
    /// In another segment than before.
    pub moved: Flow,
    /// In the same segment as before.
    pub stayed: Flow,
}

/// Some customers and what they are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Customers.
    pub customers: u64,
    /// Sum of their gross revenue in this run; of those who left, in the run before.
    pub gross_revenue: f64,
}
