//! The list of kernels: both ways of measuring go through it.

use std::fmt;

use crate::{Result, lines, models, rules, tables, umap};

/// The kernel on its inputs, as often as it is called.
pub(crate) type Work = Box<dyn Fn() -> Result<()> + Send + Sync>;

pub(crate) struct Kernel {
    name: &'static str,
    /// Makes the inputs, which is not measured.
    pub(crate) prepare: fn() -> Result<Work>,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn kernel(name: &'static str, prepare: fn() -> Result<Work>) -> Kernel {
    Kernel { name, prepare }
}

pub(crate) const ALL: [Kernel; 17] = [
    kernel("records", lines::records),
    kernel("decode", lines::decoded),
    kernel("parse", lines::parse),
    kernel("whole-pass", lines::whole_pass),
    kernel("transactions-table", tables::transactions),
    kernel("features-table", tables::features),
    kernel("scaler", models::scaler),
    kernel("forest-fit-best", models::forest_fit_best),
    kernel("forest-fit-random", models::forest_fit_random),
    kernel("forest-leaves", models::forest_leaves),
    kernel("umap-fit", umap::fit),
    kernel("umap-transform-euclidean", umap::transform_euclidean),
    kernel("umap-transform-hamming", umap::transform_hamming),
    kernel("kmeans-restarts", models::kmeans_restarts),
    kernel("kmeans-large", models::kmeans_large),
    kernel("silhouette", models::silhouette_exact),
    kernel("rules", rules::induction),
];

pub(crate) fn named(name: &str) -> Result<&'static Kernel> {
    let kernel = ALL.iter().find(|kernel| kernel.name == name);
    kernel.ok_or_else(|| format!("no kernel is called {name}: see --names").into())
}
