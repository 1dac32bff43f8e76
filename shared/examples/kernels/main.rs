//! The kernels one by one, timed inside the process, for `bench/run`:
//!
//! ```text
//! kernels forest FOLDER REPEAT
//! kernels umap-fit|umap-transform FOLDER METRIC REPEAT OUT.f32 A B
//! kernels kmeans POINTS.f64 N_INIT REPEAT OUT.u32
//! kernels silhouette POINTS.f64 LABELS.u32 REPEAT
//! kernels micro EXPORT.csv REPEAT
//! ```
//!
//! Matrices are raw little-endian arrays of `bench/data/matrices.py`. Each verb prints one JSON
//! object: seconds by step, and what is checked against the peer's.
#![allow(missing_docs, clippy::print_stdout)]

mod clock;
mod micro;
mod models;
mod raw;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = match words.as_slice() {
        ["forest", folder, repeat] => models::forest(folder, repeat.parse()?)?,
        ["umap-fit", folder, metric, repeat, out, ..] => {
            models::umap_fit(folder, metric, repeat.parse()?, out)?
        }
        ["umap-transform", folder, metric, repeat, out, a, b] => {
            let curve = (a.parse()?, b.parse()?);
            models::umap_transform(folder, metric, repeat.parse()?, out, curve)?
        }
        ["kmeans", points, n_init, repeat, out] => {
            models::kmeans(points, n_init.parse()?, repeat.parse()?, out)?
        }
        ["silhouette", points, labels, repeat] => {
            models::silhouette_of(points, labels, repeat.parse()?)?
        }
        ["micro", export, repeat] => micro::run(export, repeat.parse()?)?,
        _ => return Err("usage: kernels VERB ARGS, see the head of the program's source".into()),
    };
    println!("{said}");
    Ok(())
}
