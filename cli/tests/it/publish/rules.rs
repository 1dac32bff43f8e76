//! Rules and next steps as readers see them.

use shared::segments::Segment;
use shared::segments::rules::{Condition, Measured, Rule, RuleFeature};

use super::fixture::{Fixture, Run, names};

/// A run whose segments have rules: from 5 pieces on, less than 5, and nobody.
fn ruled() -> Run {
    let mut run = Run::new(1, 12);
    let pieces = |at_least, below| Rule {
        any_of: vec![vec![Condition {
            feature: RuleFeature::QuantityOfProducts,
            at_least,
            below,
        }]],
    };
    let rules = [
        pieces(Some(5.0), None),
        pieces(None, Some(5.0)),
        Rule::default(),
    ];
    let labels = run.rows.label.iter().map(|label| label.cast_unsigned());
    let labels: Vec<u32> = labels.collect();
    let measured = Measured::of(&rules, &run.rows.features, &labels);
    run.run.profile = run
        .run
        .profile
        .with_rules(&Segment::first(names()), &measured);
    run
}

#[tokio::test]
async fn rules_are_columns_of_the_segments() {
    let fixture = Fixture::new("rules").await;
    fixture.publish(&ruled()).await.unwrap();
    // pieces are 0, 7, 14, … 77 and segments 0, 1, 2, 0, …: 11 are named, 3 of the 4 in it
    let sql = "SELECT label, rule, round(rule_precision::numeric, 4), rule_recall, \
               round(rule_coverage::numeric, 4), rule_conditions #>> '{0,0,at_least}' \
               FROM insiders.segments WHERE label = 0";
    assert_eq!(
        fixture.ask(sql).await,
        "0,bought ≥ 5 pieces,0.2727,0.75,0.9167,5.0"
    );
    let sql = "SELECT rule, rule_f1 FROM insiders.segments ORDER BY label";
    let all = fixture.ask(sql).await;
    assert!(all.contains("bought < 5 pieces,0;nobody,0"), "{all}");
}

#[tokio::test]
async fn a_segment_without_a_rule_has_none() {
    let fixture = Fixture::new("no_rules").await;
    fixture.publish(&Run::new(1, 6)).await.unwrap();
    let sql = "SELECT count(*), count(rule), count(rule_f1), count(rule_conditions) \
               FROM insiders.segments";
    assert_eq!(fixture.ask(sql).await, "3,0,0,0");
}

#[tokio::test]
async fn every_customers_step_arrives() {
    let fixture = Fixture::new("steps").await;
    let run = ruled();
    fixture.publish(&run).await.unwrap();
    let sql = "SELECT customer_id, coalesce(next_step, '-'), coalesce(next_step_pieces, -1), \
               coalesce(next_step_spend, -1), coalesce(keep, '-') FROM insiders.insiders \
               ORDER BY quantity_of_products";
    let expected = run
        .rows
        .features
        .customer_id
        .iter()
        .zip(&run.rows.next_step);
    let expected: Vec<String> = expected
        .map(|(id, step)| {
            let purchase = step.purchase;
            format!(
                "{id},{},{},{},{}",
                step.text.as_deref().unwrap_or("-"),
                purchase.map_or(-1, |p| p.pieces),
                purchase.map_or(-1.0, |p| p.spend),
                step.keep.as_deref().unwrap_or("-")
            )
        })
        .collect();
    assert!(expected.iter().any(|row| row.contains("buy 5 more pieces")));
    assert_eq!(fixture.ask(sql).await, expected.join(";"));
    // the view has those to whom something is said
    let said = run.rows.next_step.iter();
    let said = said.filter(|step| step.text.is_some() || step.keep.is_some());
    let sql = "SELECT count(*), count(*) FILTER (WHERE segment = 'Insiders' AND next_step IS NULL) \
               FROM insiders.next_step";
    let members = run.rows.next_step.iter().filter(|step| step.keep.is_some());
    assert_eq!(
        fixture.ask(sql).await,
        format!("{},{}", said.count(), members.count())
    );
}
