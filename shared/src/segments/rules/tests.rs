use proptest::prelude::*;

use super::number::rounded;
use super::*;
use crate::features::Features;

/// `n` customers whose features are spread as a shop's are, from a seed.
fn customers(n: usize, seed: u64) -> Features {
    use crate::models::random::{Key, Stream};
    let key = Key::new(seed, Stream::Rules);
    let draw = |row: usize, counter: u64| key.child(row as u64).unit(counter);
    let long_tail = |row: usize, counter: u64, scale: f64| {
        (scale / (1.0 - draw(row, counter) * 0.999)).min(scale * 900.0)
    };
    let column = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..n).map(of).collect() };
    let whole =
        |of: &dyn Fn(usize) -> f64| -> Vec<i64> { (0..n).map(|row| of(row) as i64).collect() };
    Features {
        customer_id: (0..n).map(|row| format!("{row:06}")).collect(),
        is_guest: vec![false; n],
        gross_revenue: column(&|row| (long_tail(row, 0, 40.0) * 100.0).round() / 100.0),
        recency_days: whole(&|row| draw(row, 1) * 373.0),
        quantity_of_products: whole(&|row| long_tail(row, 2, 20.0)),
        returns: whole(&|row| (draw(row, 3) * 5.0 - 3.0).max(0.0)),
        frequency: column(&|row| match draw(row, 4) {
            share if share < 0.4 => 0.0,
            share => (2.0 + (share * 10.0).floor()) / (1.0 + (draw(row, 5) * 370.0).floor()),
        }),
        ..Features::default()
    }
}

fn labels(features: &Features, mut segment: impl FnMut(&[f64]) -> u32) -> Vec<u32> {
    let x = matrix(features);
    x.outer_iter().map(|row| segment(&row.to_vec())).collect()
}

/// A reader of the sentence: what somebody would do who has nothing but the text.
mod reader {
    type Test = Box<dyn Fn(&[f64]) -> bool>;

    pub(super) fn fulfils(text: &str, row: &[f64]) -> bool {
        text.split(", or ")
            .any(|all| conditions(all).iter().all(|test| test(row)))
    }

    fn number(text: &str) -> f64 {
        text.replace(',', "")
            .parse()
            .unwrap_or_else(|_| panic!("{text}"))
    }

    /// "≥ 3 and < 7" of column `at`, a unit being `unit`.
    fn range(at: usize, text: &str, unit: f64) -> Vec<Test> {
        let bound = |part: &str| -> Test {
            let (sign, value) = part.split_once(' ').unwrap();
            // a quotient has digits that the text has not
            let value = super::rounded(number(value) / unit, 12);
            match sign {
                "≥" => Box::new(move |row| row[at] >= value),
                "<" => Box::new(move |row| row[at] < value),
                other => panic!("{other}"),
            }
        };
        text.split(" and ").map(bound).collect()
    }

    fn conditions(text: &str) -> Vec<Test> {
        let mut tests: Vec<Test> = Vec::new();
        // an "and" before a sign is one of a range
        let text = text.replace(" and <", "&<");
        for part in text.split(" and ") {
            let part = part.replace("&<", " and <");
            let words = |before: &str, after: &str| -> Option<String> {
                let rest = part.strip_prefix(before)?.strip_suffix(after)?;
                Some(rest.to_owned())
            };
            if part == "every customer" {
            } else if part == "nobody" {
                tests.push(Box::new(|_| false));
            } else if part == "never came back" {
                tests.push(Box::new(|row| row[3] == 0.0));
            } else if part == "came back" {
                tests.push(Box::new(|row| row[3] > 0.0));
            } else if part == "never returned anything" {
                tests.push(Box::new(|row| row[4] == 0.0));
            } else if let Some(rest) = words("came back with ", " invoices per 100 days") {
                tests.push(Box::new(|row| row[3] > 0.0));
                tests.extend(range(3, &rest, 100.0));
            } else if let Some(rest) = words("has ", " invoices per 100 days") {
                tests.extend(range(3, &rest, 100.0));
            } else if let Some(rest) = words("bought within ", " days") {
                let most = number(&rest);
                tests.push(Box::new(move |row| row[1] <= most));
            } else if let Some(rest) = words("last bought ", " days ago") {
                if let Some(least) = rest.strip_prefix("≥ ") {
                    let least = number(least);
                    tests.push(Box::new(move |row| row[1] >= least));
                } else {
                    let (least, most) = rest.split_once(" to ").unwrap();
                    let (least, most) = (number(least), number(most));
                    tests.push(Box::new(move |row| row[1] >= least && row[1] <= most));
                }
            } else if let Some(rest) = words("bought ", " pieces") {
                tests.extend(range(2, &rest, 1.0));
            } else if let Some(rest) = words("returned ", " times") {
                tests.extend(range(4, &rest, 1.0));
            } else if let Some(rest) = words("spent ", "") {
                tests.extend(range(0, &rest, 1.0));
            } else {
                panic!("what is '{part}'?");
            }
        }
        tests
    }
}

/// Holds each rule's figures against its text, read and counted by hand.
fn check_figures(features: &Features, labels: &[u32], measured: &Measured) {
    let x = matrix(features);
    let mut weighted = 0.0;
    for (segment, rule) in measured.rules.iter().enumerate() {
        let (mut named, mut right, mut members) = (0, 0, 0);
        for (row, &label) in x.outer_iter().zip(labels) {
            let (is_named, is_member) = (
                reader::fulfils(&rule.rule, &row.to_vec()),
                label as usize == segment,
            );
            named += i32::from(is_named);
            members += i32::from(is_member);
            right += i32::from(is_named && is_member);
        }
        let share = |part: i32, of: i32| f64::from(part) / f64::from(of.max(1));
        assert_eq!(rule.rule_precision, share(right, named), "{}", rule.rule);
        assert_eq!(rule.rule_recall, share(right, members), "{}", rule.rule);
        assert_eq!(rule.rule_coverage, share(named, labels.len() as i32));
        assert_eq!(rule.rule_f1, share(2 * right, named + members));
        weighted += rule.rule_f1 * f64::from(members);
    }
    let mean = weighted / labels.len() as f64;
    assert!((measured.mean_f1 - mean).abs() < 1e-12);
}

/// Whether every number of the rule has few significant digits.
fn is_round(rule: &Rule, digits: usize) -> bool {
    rule.any_of.iter().flatten().all(|condition| {
        let (scale, shift) = match condition.feature {
            RuleFeature::Frequency => (100.0, 0.0),
            RuleFeature::RecencyDays => (1.0, 1.0),
            _ => (1.0, 0.0),
        };
        let least = condition.at_least.map(|value| value * scale);
        let below = condition.below.map(|value| value * scale - shift);
        let mut bounds = least.into_iter().chain(below);
        bounds.all(|shown| (rounded(shown, digits) - shown).abs() < 1e-9)
    })
}

#[test]
fn planted_segments_are_recovered() {
    let features = customers(6_000, 1);
    let planted = |row: &[f64]| match row {
        [spent, days, pieces, ..] if *spent >= 300.0 && *days < 91.0 && *pieces >= 50.0 => 0,
        [_, days, .., frequency, _] if *days >= 200.0 && *frequency == 0.0 => 1,
        [.., returns] if *returns >= 1.0 => 2,
        _ => 3,
    };
    let labels = labels(&features, planted);
    let rules = induce(&features, &labels, 4, 42).unwrap();
    let texts: Vec<String> = rules.iter().map(Rule::text).collect();
    assert_eq!(
        texts[0],
        "spent ≥ 300 and bought within 90 days and bought ≥ 50 pieces"
    );
    assert_eq!(texts[1], "last bought ≥ 200 days ago and never came back");
    let measured = Measured::of(&rules, &features, &labels);
    check_figures(&features, &labels, &measured);
    assert_eq!(measured.rules[0].rule_f1, 1.0);
    assert!(measured.rules[1].rule_f1 > 0.99);
    assert!(measured.rules.iter().all(|rule| rule.rule_f1 > 0.8));
}

#[test]
fn two_conjunctions_where_one_does_not_do() {
    let features = customers(3_000, 2);
    let planted = |row: &[f64]| match row[2] {
        pieces if pieces < 30.0 => 0,
        pieces if (100.0..400.0).contains(&pieces) => 0,
        _ => 1,
    };
    let labels = labels(&features, planted);
    let rules = induce(&features, &labels, 2, 42).unwrap();
    let (one, two) = ("bought < 30 pieces", "bought ≥ 100 and < 400 pieces");
    let text = rules[0].text();
    assert!(
        text == format!("{one}, or {two}") || text == format!("{two}, or {one}"),
        "{text}"
    );
}

#[test]
fn a_segment_of_nobody_and_one_of_everybody() {
    let features = customers(50, 3);
    let rules = induce(&features, &[0; 50], 2, 42).unwrap();
    assert_eq!(rules[0].text(), "every customer");
    assert_eq!(rules[1].text(), "nobody");
    let measured = Measured::of(&rules, &features, &[0; 50]);
    assert_eq!(measured.rules[0].rule_f1, 1.0);
    assert_eq!(measured.rules[1].rule_coverage, 0.0);
    assert_eq!(measured.mean_f1, 1.0);
    let none = induce(&Features::default(), &[], 2, 42).unwrap();
    assert_eq!(none, [Rule::default(), Rule::default()]);
    assert!(induce(&features, &[0; 49], 2, 42).is_err());
}

#[test]
fn the_same_rules_on_any_number_of_threads() {
    // more than the rules are found on: the sample is the same too
    let features = customers(40_000, 4);
    let labels = labels(&features, |row| {
        ((row[2].ln() * 2.0 + row[1] / 100.0) as u32).min(9)
    });
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let rules = pool.build().unwrap().install(|| {
            let rules = induce(&features, &labels, 10, 42).unwrap();
            let measured = Measured::of(&rules, &features, &labels);
            (rules, measured.rules, measured.mean_f1)
        });
        serde_json::to_vec(&rules).unwrap()
    };
    let first = on(1);
    for threads in [1, 2, 5] {
        assert!(on(threads) == first, "{threads} threads");
    }
}

#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn a_million_customers() {
    use crate::segments::next_step::{Scales, next_steps};

    let features = customers(1_000_000, 5);
    let labels = labels(&features, |row| {
        ((row[2].ln() * 2.0 + row[1] / 100.0) as u32).min(10)
    });
    let start = std::time::Instant::now();
    let rules = induce(&features, &labels, 11, 42).unwrap();
    let induced = start.elapsed().as_secs_f64();
    let measured = Measured::of(&rules, &features, &labels);
    let figures = start.elapsed().as_secs_f64();
    let is_member: Vec<bool> = labels.iter().map(|&label| label == 10).collect();
    let steps = next_steps(&rules[10], &features, &is_member, &Scales::of(&features));
    assert_eq!(steps.len(), labels.len());
    let all = start.elapsed().as_secs_f64();
    eprintln!(
        "rules {induced:.2} s, figures {:.2} s, next steps {:.2} s, mean F1 {:.3}",
        figures - induced,
        all - figures,
        measured.mean_f1
    );
}

#[test]
fn rules_are_json_lists_of_conditions() {
    let rule = Rule {
        any_of: vec![vec![Condition {
            feature: RuleFeature::QuantityOfProducts,
            at_least: Some(2_000.0),
            below: None,
        }]],
    };
    let json = serde_json::to_string(&rule).unwrap();
    assert_eq!(
        json,
        r#"[[{"feature":"quantity_of_products","at_least":2000.0}]]"#
    );
    assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the segments are: figures are what the text says, numbers are round, and
    /// conditions few.
    #[test]
    fn figures_are_those_of_the_text(
        seed in 0_u64..1_000,
        n in 1_usize..600,
        k in 1_u32..6,
        noise in 0.0_f64..1.0,
    ) {
        let features = customers(n, seed);
        let mut row_number = 0_u64;
        let labels = labels(&features, |row| {
            row_number += 1;
            let key = crate::models::random::Key::new(seed, crate::models::random::Stream::Noise);
            if key.unit(row_number) < noise {
                return key.child(row_number).below(0, k as usize) as u32;
            }
            ((row[0].ln() + row[3] * 10.0) as u32 + u32::from(row[1] > 100.0)) % k
        });
        let rules = induce(&features, &labels, k as usize, seed).unwrap();
        for rule in &rules {
            prop_assert!(is_round(rule, 6), "{}", rule.text());
            prop_assert!(rule.any_of.len() <= 2);
            for all in &rule.any_of {
                prop_assert!(all.len() <= 4, "{}", rule.text());
            }
        }
        check_figures(&features, &labels, &Measured::of(&rules, &features, &labels));
    }
}
