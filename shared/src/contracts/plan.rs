//! What one run computes, and its identity.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Artifact, AsOf, Counts, Inputs, Mode, Promotion, Quality, Request, SparkJob, StageReport,
};
use crate::bundle::Champion;
use crate::columns::Check;
use crate::segments::Segment;
use crate::settings::{CleaningSettings, Settings, SourceSettings};

/// The version of everything that decides a run's bytes. Raise it when the same input and
/// settings give other bytes than before, so that old and new runs never share an id.
const SEMANTICS: u32 = 3;

/// The object that a run reads, pinned to one content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Version id, where the bucket is versioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Entity tag, quoted as S3 gives it.
    pub etag: String,
    /// Bytes as stored.
    pub size: u64,
}

/// Whether this run makes its models or uses stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelAction {
    /// Fit, store as a new version and make it the champion if it passes its gates.
    Fit,
    /// Apply a stored version.
    Apply,
}

/// One run, fully decided before any data are read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// Derived from what the run computes: the same work has the same id.
    pub run_id: String,
    /// The bucket of the artifacts.
    pub bucket: String,
    /// What is read: where uploads add up, the last of them.
    pub source: Source,
    /// Where uploads add up, the list of all that are read (`history/{sha256}.json`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Artifact>,
    /// SHA-256 of the tombstones that were in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<String>,
    /// What was asked for.
    pub mode: Mode,
    /// Fit or apply.
    pub action: ModelAction,
    /// The model version that is fitted or applied.
    pub model_version: String,
    /// As asked for; absent means the last kept purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// Publish even if a run with a later as-of is in place.
    #[serde(default)]
    pub force_publish: bool,
    /// Where a later run is in place, publish this one as history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fill_history: bool,
    /// Names that people gave to segments. A list, since a manifest flattens the run and a
    /// map's numbers are not read back from that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Segment>,
    /// The settings of every stage.
    pub settings: Settings,
}

/// What a stage hands to the next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunState {
    /// The run.
    pub run: Run,
    /// The run was complete before this execution began; nothing is left but to publish it.
    #[serde(default)]
    pub already_complete: bool,
    /// The run's moment as it turned out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// Rows and customers so far.
    #[serde(default)]
    pub counts: Counts,
    /// What became of the models, if the run fitted some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// Figures of the embedding, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// What differs from the run before in the export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What has been written, by file name.
    #[serde(default)]
    pub artifacts: BTreeMap<String, Artifact>,
    /// What each stage took.
    #[serde(default)]
    pub stages: Vec<StageReport>,
    /// What Spark is to do first: the export is too large for one function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark: Option<SparkJob>,
}

impl RunState {
    /// A run of which nothing is done yet.
    pub fn begun(run: Run) -> Self {
        Self {
            run,
            already_complete: false,
            as_of: None,
            counts: Counts::default(),
            promotion: None,
            quality: None,
            checks: Vec::new(),
            artifacts: BTreeMap::new(),
            stages: Vec::new(),
            spark: None,
        }
    }
}

impl Run {
    /// Decides a run. `champion` has the version that `apply` would use.
    ///
    /// A fit's model version derives from its inputs, not from its outcome, so that the run
    /// that fitted a model and a later `auto` run that applies that model to the same source
    /// are the same work and have the same id.
    pub fn plan(
        bucket: &str,
        request: &Request,
        inputs: impl Into<Inputs>,
        settings: Settings,
        champion: Option<&Champion>,
    ) -> crate::Result<Self> {
        let Inputs {
            source,
            history,
            erased,
        } = inputs.into();
        let data = DataIdentity {
            semantics: SEMANTICS,
            source: history.is_none().then_some(&source),
            history: history.as_ref().map(|list| list.sha256.as_str()),
            erased: erased.as_deref(),
            as_of: request.as_of,
            read: &settings.source,
            cleaning: &settings.cleaning,
        };
        let (mut action, model_version) = match (request.mode, champion) {
            (Mode::Auto | Mode::Apply, Some(champion)) => {
                (ModelAction::Apply, champion.version.clone())
            }
            (Mode::Apply, None) => {
                return Err(crate::Error::NotFound {
                    what: "a champion model".to_owned(),
                    hint: "fit one first with mode fit or auto".to_owned(),
                });
            }
            (Mode::Auto | Mode::Fit, _) => {
                let fit = ("fit", &data, &settings.embedding, &settings.clustering);
                (ModelAction::Fit, digest_id(&fit)?)
            }
        };
        let given = champion.iter().flat_map(|c| &c.names);
        let names: Vec<Segment> = given
            .map(|(&id, name)| Segment {
                id,
                name: name.clone(),
            })
            .collect();
        let beside = (&settings.rfm, &settings.value);
        let run_id = digest_id(&("run", &data, &model_version, &names, beside))?;
        if request.mode == Mode::Auto && champion.is_some_and(|c| c.is_made_by(&run_id)) {
            // An attempt at this very run got as far as that: it goes on as the fit that it is.
            action = ModelAction::Fit;
        }
        Ok(Self {
            run_id,
            bucket: bucket.to_owned(),
            source,
            history,
            erased,
            mode: request.mode,
            action,
            model_version,
            as_of: request.as_of,
            force_publish: request.force_publish,
            fill_history: request.fill_history,
            names,
            settings,
        })
    }
}

/// What decides the rows and features of a run. Structs, not maps: the order of their
/// fields, and so the digest, is the same in every build.
#[derive(Serialize)]
struct DataIdentity<'a> {
    semantics: u32,
    /// The one object, or the list of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<&'a str>,
    as_of: Option<AsOf>,
    read: &'a SourceSettings,
    cleaning: &'a CleaningSettings,
}

/// 20 hexadecimal digits of the SHA-256 of a value's JSON.
fn digest_id(value: &impl Serialize) -> crate::Result<String> {
    let json = serde_json::to_vec(value).map_err(|e| crate::Error::Internal(e.to_string()))?;
    let mut id = super::manifest::hex(&Sha256::digest(&json));
    id.truncate(20);
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::super::ObjectRef;
    use super::*;

    fn source() -> Source {
        Source {
            bucket: "b".into(),
            key: "uploads/sales.csv".into(),
            version: None,
            etag: "\"1\"".into(),
            size: 10,
        }
    }

    fn request(mode: Mode) -> Request {
        Request {
            source: ObjectRef {
                bucket: "b".into(),
                key: "uploads/sales.csv".into(),
                version: None,
            },
            mode,
            as_of: None,
            force_publish: false,
            fill_history: false,
            scale: crate::contracts::Scale::default(),
        }
    }

    fn champion(version: &str) -> Champion {
        Champion {
            version: version.to_owned(),
            ..Champion::default()
        }
    }

    fn plan(mode: Mode, source: Source, version: Option<&str>) -> Run {
        let champion = version.map(champion);
        let champion = champion.as_ref();
        Run::plan("b", &request(mode), source, Settings::default(), champion).unwrap()
    }

    #[test]
    fn the_run_that_fits_and_the_one_that_applies_its_model_are_the_same_work() {
        let fit = plan(Mode::Auto, source(), None);
        assert_eq!(fit.action, ModelAction::Fit);
        let again = plan(Mode::Auto, source(), Some(&fit.model_version));
        assert_eq!(again.action, ModelAction::Apply);
        assert_eq!(fit.run_id, again.run_id);
    }

    #[test]
    fn a_run_that_died_after_its_model_became_champion_goes_on_as_a_fit() {
        let fit = plan(Mode::Auto, source(), None);
        let mut made = champion(&fit.model_version);
        made.history.push(crate::bundle::Move {
            version: fit.model_version.clone(),
            cause: crate::bundle::Cause::Fit,
            run_id: Some(fit.run_id.clone()),
        });
        let of = |mode, made: &Champion| {
            let run = Run::plan(
                "b",
                &request(mode),
                source(),
                Settings::default(),
                Some(made),
            );
            run.unwrap()
        };
        let again = of(Mode::Auto, &made);
        assert_eq!((again.action, again.run_id), (ModelAction::Fit, fit.run_id));
        // Who asks for stored models gets them.
        assert_eq!(of(Mode::Apply, &made).action, ModelAction::Apply);
        // With names of its own it is another run, of models that are there.
        made.names.insert(0, "Gold".to_owned());
        assert_eq!(of(Mode::Auto, &made).action, ModelAction::Apply);
    }

    #[test]
    fn other_content_settings_moment_or_model_is_another_run() {
        let m = champion("m");
        let first = plan(Mode::Auto, source(), Some("m"));
        let other_model = plan(Mode::Auto, source(), Some("n"));
        let mut changed = source();
        changed.etag = "\"2\"".into();
        let other_content = plan(Mode::Auto, changed, Some("m"));
        let mut asked = request(Mode::Auto);
        asked.as_of = Some("2011-12-09".parse().unwrap());
        let other_moment = Run::plan("b", &asked, source(), Settings::default(), Some(&m)).unwrap();
        let mut settings = Settings::default();
        settings.cleaning.min_unit_price = "0.05".parse().unwrap();
        let other_rule =
            Run::plan("b", &request(Mode::Auto), source(), settings, Some(&m)).unwrap();
        let mut renamed = m.clone();
        renamed.names.insert(0, "Gold".to_owned());
        let auto = request(Mode::Auto);
        let other_names =
            Run::plan("b", &auto, source(), Settings::default(), Some(&renamed)).unwrap();
        let mut ids = vec![
            first.run_id,
            other_model.run_id,
            other_content.run_id,
            other_moment.run_id,
            other_rule.run_id,
            other_names.run_id,
        ];
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }

    #[test]
    fn other_cuts_and_horizons_are_another_run_of_the_same_models() {
        let run = |toml: &str| {
            let settings = Settings::parse(toml, "t").unwrap();
            Run::plan("b", &request(Mode::Fit), source(), settings, None).unwrap()
        };
        let plain = run("");
        for other in [run("[rfm]\ncuts = 3"), run("[value]\nhorizon_days = 30")] {
            assert_ne!(other.run_id, plain.run_id);
            assert_eq!(other.model_version, plain.model_version);
        }
    }

    #[test]
    fn a_list_of_uploads_or_tombstones_make_another_run_whoever_asked() {
        let run = |source: Source, history: Option<&str>, erased: Option<&str>| {
            let history = history.map(|sha256| Artifact {
                key: format!("history/{sha256}.json"),
                bytes: 1,
                sha256: sha256.to_owned(),
                rows: None,
            });
            let inputs = Inputs {
                source,
                history,
                erased: erased.map(str::to_owned),
            };
            let asked = request(Mode::Auto);
            let m = champion("m");
            Run::plan("b", &asked, inputs, Settings::default(), Some(&m)).unwrap()
        };
        let mut other = source();
        other.key = "uploads/again.csv".to_owned();
        let listed = run(source(), Some("1"), None);
        assert_eq!(listed.run_id, run(other, Some("1"), None).run_id);
        let plain = plan(Mode::Auto, source(), Some("m"));
        assert_eq!(run(source(), None, None).run_id, plain.run_id);
        for another in [
            plain,
            run(source(), Some("2"), None),
            run(source(), Some("1"), Some("e")),
        ] {
            assert_ne!(listed.run_id, another.run_id);
        }
    }

    #[test]
    fn apply_without_a_champion_says_so() {
        let error = Run::plan(
            "b",
            &request(Mode::Apply),
            source(),
            Settings::default(),
            None,
        )
        .unwrap_err();
        assert_eq!(error.name(), "Insiders.NotFound");
    }
}
