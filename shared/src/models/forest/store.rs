//! The forest's bytes: all trees' nodes one after the other, and where each tree starts.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        codec::{Reader, Writer},
        error::ModelError,
    },
    Forest, Tree,
};

const FILE: &str = "forest.safetensors";
const KIND: &str = "forest";

#[derive(Serialize, Deserialize)]
struct Header {
    kind: String,
    n_features: usize,
}

pub(super) fn to_bytes(forest: &Forest) -> Result<Vec<u8>, ModelError> {
    let nodes = || forest.trees.iter().flat_map(Tree::nodes);
    let values = || forest.trees.iter().flat_map(Tree::values);
    let total = [nodes().count()];
    let lengths = forest.trees.iter().map(|t| t.n_nodes() as u32);
    let mut writer = Writer::new(FILE);
    writer.array("lengths", &[forest.trees.len()], lengths);
    writer.array("feature", &total, nodes().map(|n| n.feature));
    writer.array("threshold", &total, nodes().map(|n| n.threshold));
    writer.array("right", &total, nodes().map(|n| n.right));
    writer.array("value", &total, values());
    writer.finish(&Header {
        kind: KIND.to_owned(),
        n_features: forest.n_features,
    })
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Forest, ModelError> {
    let reader = Reader::open(FILE, bytes)?;
    let header: Header = reader.header()?;
    if header.kind != KIND {
        return Err(reader.corrupt(format!("it holds a {} model", header.kind)));
    }
    let (_, lengths) = reader.axes::<u32, 1>("lengths")?;
    let total = reader.shape::<i16, 1>("feature")?;
    let feature = reader.stored::<i16>("feature", &total)?;
    let threshold = reader.stored::<f64>("threshold", &total)?;
    let right = reader.stored::<u32>("right", &total)?;
    let value = reader.stored::<f64>("value", &total)?;
    let mut start = 0_usize;
    let mut trees = Vec::with_capacity(lengths.len());
    for (t, &length) in lengths.iter().enumerate() {
        let end = start.saturating_add(length as usize);
        let (Some(feature), Some(threshold), Some(right), Some(value)) = (
            feature.get(start..end),
            threshold.get(start..end),
            right.get(start..end),
            value.get(start..end),
        ) else {
            return Err(reader.corrupt(format!("tree {t} reaches past the last node")));
        };
        let tree = Tree::from_arrays(&feature, &threshold, &right, &value)
            .map_err(|e| reader.corrupt(format!("tree {t}: {e}")))?;
        trees.push(tree);
        start = end;
    }
    if [start] != total {
        return Err(reader.corrupt("it has nodes that belong to no tree"));
    }
    Forest::from_trees(header.n_features, trees).map_err(|e| reader.corrupt(e.to_string()))
}
