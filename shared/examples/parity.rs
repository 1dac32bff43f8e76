//! The models as a filter, for `tools/parity`: safetensors in, safetensors out.
//!
//! `parity VERB IN OUT [FOLDER] [KEY=VALUE ...]`. FOLDER is what tools/export_models.py wrote.
#![allow(missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView, Dimension};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize_to_file};
use shared::features::Features;
use shared::import::{DESCRIPTION, Description, Imported};
use shared::models::{
    Forest, ForestParams, KMeansParams, Metric, MinMaxScaler, Umap, UmapParams, silhouette,
};
use shared::segments::{Profile, Segment};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [verb, input, output, rest @ ..] = args.as_slice() else {
        return Err("usage: parity VERB IN OUT [FOLDER] [KEY=VALUE ...]".into());
    };
    let options: HashMap<&str, &str> = rest.iter().filter_map(|a| a.split_once('=')).collect();
    let bytes = std::fs::read(input)?;
    let input = Input(SafeTensors::deserialize(&bytes)?);
    let mut out = Output::default();
    match verb.as_str() {
        "apply" => apply(&input, &folder(rest)?, &mut out)?,
        "transform" => transform(&input, &folder(rest)?.umap, &mut out)?,
        "fit-umap" => fit_umap(&input, &options, &mut out)?,
        "fit-forest" => fit_forest(&input, &options, &mut out)?,
        "fit-kmeans" => fit_kmeans(&input, &options, &mut out)?,
        "measure" => measure(&input, &mut out)?,
        other => return Err(format!("no verb {other}").into()),
    }
    out.write(Path::new(output))
}

/// Raw features to scaled ones, leaves and points; `scaled` skips the scaler.
fn apply(input: &Input<'_>, models: &Imported, out: &mut Output) -> Result<()> {
    let scaled = match input.f64s("x") {
        Ok(x) => models.scaler.transform(x.view())?,
        Err(_) => input.f64s("scaled")?,
    };
    out.f64s("scaled", &scaled.view());
    out.u32s("leaves", &models.forest.leaf_indices(scaled.view())?.view());
    out.f64s("predicted", &models.forest.predict(scaled.view())?.view());
    Ok(())
}

fn transform(input: &Input<'_>, umap: &Umap, out: &mut Output) -> Result<()> {
    let points = umap.transform(input.u32s("new")?.view())?;
    out.f64s("points", &points.mapv(f64::from).view());
    Ok(())
}

fn fit_umap(input: &Input<'_>, options: &HashMap<&str, &str>, out: &mut Output) -> Result<()> {
    let defaults = UmapParams::default();
    let umap = UmapParams {
        metric: match options.get("metric") {
            Some(&"euclidean") => Metric::Euclidean,
            _ => Metric::Hamming,
        },
        seed: number(options, "seed", defaults.seed)?,
        ..defaults
    };
    let umap = umap.fit(input.u32s("leaves")?.view())?;
    out.f64s("embedding", &umap.embedding().mapv(f64::from).view());
    if input.0.tensor("new").is_ok() {
        transform(input, &umap, out)?;
    }
    Ok(())
}

fn fit_forest(input: &Input<'_>, options: &HashMap<&str, &str>, out: &mut Output) -> Result<()> {
    let mut params = ForestParams::default();
    params.trees = number(options, "trees", params.trees)?;
    params.seed = number(options, "seed", params.seed)?;
    params.bootstrap = number(options, "bootstrap", params.bootstrap)?;
    params.min_samples_leaf = number(options, "min_samples_leaf", params.min_samples_leaf)?;
    let forest: Forest = params.fit(input.f64s("x")?.view(), input.f64("y")?.view())?;
    let new = input.f64s("new")?;
    out.f64s("predicted", &forest.predict(new.view())?.view());
    out.u32s(
        "leaves",
        &forest.leaf_indices(input.f64s("x")?.view())?.view(),
    );
    let nodes: Array1<f64> = forest.trees().iter().map(|t| t.n_nodes() as f64).collect();
    out.f64s("nodes", &nodes.view());
    Ok(())
}

fn fit_kmeans(input: &Input<'_>, options: &HashMap<&str, &str>, out: &mut Output) -> Result<()> {
    let mut params = KMeansParams::default();
    params.k = number(options, "k", params.k)?;
    params.n_init = number(options, "n_init", params.n_init)?;
    let kmeans = params.fit(input.f64s("points")?.view())?;
    out.f64s("inertia", &Array1::from(vec![kmeans.inertia()]).view());
    Ok(())
}

/// Scaled features, inertia, silhouette and profile of given labels.
fn measure(input: &Input<'_>, out: &mut Output) -> Result<()> {
    let (x, points) = (input.f64s("x")?, input.f64s("points")?);
    let labels: Array1<u32> = input.f64("labels")?.mapv(|l| l as u32);
    let centroids = input.f64s("centroids")?;
    let k = centroids.nrows();
    out.f64s(
        "scaled",
        &MinMaxScaler::fit(x.view())?.transform(x.view())?.view(),
    );
    let kmeans = shared::models::KMeans::from_parts(centroids, 0.0, 0)?;
    let predicted = kmeans.predict(points.view())?;
    out.u32s("labels", &predicted.view());
    let inertia = kmeans.inertia_of(points.view(), labels.view())?;
    let score = silhouette(points.view(), labels.view(), usize::MAX, 0, 0)?.score;
    out.f64s("inertia", &Array1::from(vec![inertia]).view());
    out.f64s("silhouette", &Array1::from(vec![score]).view());
    let column = |i: usize| x.column(i).to_vec();
    let whole = |i: usize| x.column(i).iter().map(|&v| v as i64).collect::<Vec<_>>();
    let features = Features {
        customer_id: (0..x.nrows()).map(|i| i.to_string()).collect(),
        is_guest: vec![false; x.nrows()],
        gross_revenue: input.f64("revenue")?.to_vec(),
        recency_days: whole(0),
        quantity_of_products: whole(1),
        frequency: column(2),
        returns: whole(3),
        ..Features::default()
    };
    let mut profile = Profile::of(
        &features,
        &labels.to_vec(),
        &Segment::first((0..k).map(|i| i.to_string()).collect()),
    );
    profile.segments.sort_by_key(|s| s.label);
    let rows: Vec<f64> = profile
        .segments
        .iter()
        .flat_map(|s| {
            let customers = s.customers as f64;
            [
                customers,
                s.gross_revenue,
                s.frequency,
                s.returns,
                s.recency_days,
            ]
        })
        .collect();
    out.f64s(
        "profile",
        &Array2::from_shape_vec((rows.len() / 5, 5), rows)?.view(),
    );
    Ok(())
}

fn number<T: std::str::FromStr>(options: &HashMap<&str, &str>, key: &str, or: T) -> Result<T>
where
    T::Err: Error + 'static,
{
    Ok(options.get(key).map_or(Ok(or), |text| text.parse())?)
}

fn folder(rest: &[String]) -> Result<Imported> {
    let folder = Path::new(rest.first().ok_or("no FOLDER")?);
    let description = std::fs::read(folder.join(DESCRIPTION))?;
    let mut files = BTreeMap::new();
    for name in Description::parse(&description)?.files.into_keys() {
        let bytes = std::fs::read(folder.join(&name))?;
        files.insert(name, bytes);
    }
    Ok(Imported::read(&description, &files)?)
}

struct Input<'a>(SafeTensors<'a>);

impl Input<'_> {
    fn f64(&self, name: &str) -> Result<Array1<f64>> {
        Ok(self.numbers(name)?.1.into())
    }

    fn f64s(&self, name: &str) -> Result<Array2<f64>> {
        let (shape, values) = self.numbers(name)?;
        let [rows, columns] = shape[..] else {
            return Err(format!("{name} is not a matrix").into());
        };
        Ok(Array2::from_shape_vec((rows, columns), values)?)
    }

    fn u32s(&self, name: &str) -> Result<Array2<u32>> {
        Ok(self.f64s(name)?.mapv(|v| v as u32))
    }

    fn numbers(&self, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
        let tensor = self.0.tensor(name)?;
        if tensor.dtype() != Dtype::F64 {
            return Err(format!("{name} is not F64").into());
        }
        let (chunks, _) = tensor.data().as_chunks::<8>();
        let values = chunks.iter().map(|c| f64::from_le_bytes(*c)).collect();
        Ok((tensor.shape().to_vec(), values))
    }
}

/// Everything leaves as F64: it holds each number here exactly.
#[derive(Default)]
struct Output(Vec<(String, Vec<usize>, Vec<u8>)>);

impl Output {
    fn f64s<D: Dimension>(&mut self, name: &str, array: &ArrayView<'_, f64, D>) {
        let bytes = array.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.0
            .push((name.to_owned(), array.shape().to_vec(), bytes));
    }

    fn u32s<D: Dimension>(&mut self, name: &str, array: &ArrayView<'_, u32, D>) {
        self.f64s(name, &array.mapv(f64::from).view());
    }

    fn write(self, path: &Path) -> Result<()> {
        let views: Vec<(String, TensorView<'_>)> = self
            .0
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((
                    name.clone(),
                    TensorView::new(Dtype::F64, shape.clone(), bytes)?,
                ))
            })
            .collect::<Result<_>>()?;
        Ok(serialize_to_file(views, None, path)?)
    }
}
