#!/usr/bin/env python3
"""Exports the notebook's models for `insiders models import`.

    python export_models.py PICKLES OUT [--kmeans FILE] [--scaler FEATURE=FILE ...]

Run it where the pickles load, that is with the scikit-learn and umap-learn that wrote them;
beyond those it needs nothing but numpy. A pickle runs code when it is loaded: export your
own only.

PICKLES is a folder with `rf_model_embedding.pkl`, `umap_reducer_embedding.pkl` and one
MinMaxScaler a feature, found by the feature's name or its first word in the file's name.
OUT gets `import.json`, which says what the folder holds, and the arrays as safetensors.
"""
import argparse
import hashlib
import json
import pathlib
import pickle
import platform
import sys

import numpy as np

FEATURES = ["recency_days", "quantity_of_products", "frequency", "returns"]
TARGET = "gross_revenue"
FOREST, UMAP = "rf_model_embedding.pkl", "umap_reducer_embedding.pkl"
INT32 = np.iinfo(np.int32)
DTYPES = {"float64": "F64", "float32": "F32", "uint32": "U32", "int16": "I16"}


def write(path, **arrays):
    """Writes a safetensors file: the length of a JSON header, the header, the arrays."""
    header, blobs, at = {"__metadata__": {"insiders": '{"kind":"import"}'}}, [], 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        blob = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at + len(blob)],
        }
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def whole(array, dtype, what):
    """The same numbers as another type, refused if they are not the same."""
    cast = np.asarray(array).astype(dtype)
    if not np.array_equal(cast, np.asarray(array)):
        raise SystemExit(f"{what}: its numbers do not fit {np.dtype(dtype).name}")
    return cast


def forest_arrays(forest):
    """Nodes of all trees one after the other, as scikit-learn numbers them."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    if forest.n_features_in_ != len(FEATURES):
        raise SystemExit(f"{FOREST}: it takes {forest.n_features_in_} features, not {len(FEATURES)}")
    names = list(getattr(forest, "feature_names_in_", FEATURES))
    if names != FEATURES:
        raise SystemExit(f"{FOREST}: its features are {names}, not {FEATURES}")
    for tree in trees:
        inner = np.flatnonzero(tree.children_left != -1)
        if not np.array_equal(tree.children_left[inner], inner + 1):
            raise SystemExit(f"{FOREST}: a tree is not in depth-first order (was max_leaf_nodes set?)")
    join = lambda part: np.concatenate([part(tree) for tree in trees])
    leaf = join(lambda tree: tree.children_left == -1)
    return {
        "starts": np.cumsum([0] + [tree.node_count for tree in trees]).astype(np.uint32),
        "feature": np.where(leaf, -1, join(lambda tree: tree.feature)).astype(np.int16),
        "threshold": np.where(leaf, 0.0, join(lambda tree: tree.threshold)),
        "right": np.where(leaf, 0, join(lambda tree: tree.children_right)).astype(np.uint32),
        "value": join(lambda tree: tree.value[:, 0, 0]).astype(np.float64),
    }


def umap_parts(reducer):
    """The arrays and the parameters of a fitted umap.UMAP."""
    if reducer.metric not in ("euclidean", "hamming"):
        raise SystemExit(f"{UMAP}: metric {reducer.metric} is neither euclidean nor hamming")
    arrays = {
        "leaves": whole(reducer._raw_data, np.uint32, UMAP),
        "embedding": np.asarray(reducer.embedding_, dtype=np.float32),
    }
    usual = {
        "repulsion_strength": 1.0,
        "negative_sample_rate": 5,
        "learning_rate": 1.0,
        "local_connectivity": 1.0,
        "output_metric": "euclidean",
        "n_epochs": None,
        "densmap": False,
    }
    for name, value in usual.items():
        if getattr(reducer, name, value) != value:
            print(f"{UMAP}: {name} is not {value}: new customers' points will differ", file=sys.stderr)
    # as umap-learn's transform draws it, in every batch anew
    state = np.random.RandomState(reducer.transform_seed).randint(INT32.min + 1, INT32.max - 1, 3)
    parameters = {
        "metric": reducer.metric,
        "n_neighbors": int(reducer._n_neighbors),
        "min_dist": float(reducer.min_dist),
        "a": float(reducer._a),
        "b": float(reducer._b),
        "seed": int(reducer.transform_seed),
        "transform_state": [int(word) for word in state],
    }
    return arrays, parameters


def scaler_arrays(scalers):
    for name, scaler in scalers.items():
        if type(scaler).__name__ != "MinMaxScaler" or tuple(scaler.feature_range) != (0, 1):
            raise SystemExit(f"scaler of {name}: it is not a MinMaxScaler to 0..1")
        if len(scaler.scale_) != 1 or scaler.clip:
            raise SystemExit(f"scaler of {name}: it must scale one column, without clip")
    column = lambda name: np.array([getattr(scalers[f], name)[0] for f in FEATURES])
    arrays = {"scale": column("scale_"), "offset": column("min_")}
    if TARGET in scalers:
        target = scalers[TARGET]
        arrays["target"] = np.array([target.scale_[0], target.min_[0]])
    return arrays


def export(out, scalers, forest, reducer, kmeans=None):
    """Writes the folder `out` from fitted models; `scalers` by the feature's name."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    arrays, parameters = umap_parts(reducer)
    if arrays["leaves"].shape[1] != len(forest.estimators_):
        raise SystemExit(f"{UMAP}: it was fitted to the leaves of another forest")
    files = {
        "scaler.safetensors": scaler_arrays(scalers),
        "forest.safetensors": forest_arrays(forest),
        "umap.safetensors": arrays,
    }
    if kmeans is not None:
        files["kmeans.safetensors"] = {
            "centroids": np.asarray(kmeans.cluster_centers_, dtype=np.float64),
            "inertia": np.array([kmeans.inertia_], dtype=np.float64),
        }
    for name, content in files.items():
        write(out / name, **content)
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    for module in ("sklearn", "umap"):
        try:
            versions[module] = __import__(module).__version__
        except ImportError:
            pass
    description = {
        "schema_version": 1,
        "features": FEATURES,
        "target": TARGET,
        "umap": parameters,
        "versions": versions,
        "files": {n: hashlib.sha256((out / n).read_bytes()).hexdigest() for n in files},
    }
    (out / "import.json").write_text(json.dumps(description, indent=2) + "\n")


def load(path):
    """A pickle, by joblib where pickle can't (joblib.dump's own format)."""
    try:
        with open(path, "rb") as file:
            return pickle.load(file)
    except FileNotFoundError:
        raise SystemExit(f"{path} does not exist")
    except (pickle.UnpicklingError, KeyError, ValueError):
        import joblib

        return joblib.load(path)


def find_scaler(folder, feature, others):
    """The one pickle whose name has the feature's name, or else its first word."""
    for word in (feature, feature.split("_")[0]):
        found = [p for p in sorted(folder.glob("*.pkl")) if word in p.name and p.name not in others]
        if len(found) == 1:
            return found[0]
    raise SystemExit(f"no single pickle is named after {feature}: give --scaler {feature}=FILE")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pickles", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--kmeans", type=pathlib.Path, help="a pickled KMeans of the embedding")
    parser.add_argument("--scaler", action="append", default=[], metavar="FEATURE=FILE")
    args = parser.parse_args()
    named = dict(pair.split("=", 1) for pair in args.scaler if "=" in pair)
    others = {FOREST, UMAP} | ({args.kmeans.name} if args.kmeans else set())
    scalers = {
        feature: load(named.get(feature) or find_scaler(args.pickles, feature, others))
        for feature in [*FEATURES, TARGET]
    }
    kmeans = load(args.kmeans) if args.kmeans else None
    export(args.out, scalers, load(args.pickles / FOREST), load(args.pickles / UMAP), kmeans)
    print(f"exported to {args.out}; next: insiders models import {args.out}")


if __name__ == "__main__":
    main()
