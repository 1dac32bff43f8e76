use proptest::prelude::*;

use super::*;

/// Customers given as revenue, days, pieces, frequency, returns.
fn customers(rows: &[[f64; 5]]) -> Features {
    let real = |of: usize| rows.iter().map(|row| row[of]).collect();
    let whole = |of: usize| rows.iter().map(|row| row[of] as i64).collect();
    Features {
        customer_id: (0..rows.len()).map(|row| row.to_string()).collect(),
        is_guest: vec![false; rows.len()],
        gross_revenue: real(0),
        recency_days: whole(1),
        quantity_of_products: whole(2),
        frequency: real(3),
        returns: whole(4),
        ..Features::default()
    }
}

fn condition(feature: RuleFeature, at_least: Option<f64>, below: Option<f64>) -> Condition {
    Condition {
        feature,
        at_least,
        below,
    }
}

fn rule(any_of: &[&[Condition]]) -> Rule {
    Rule {
        any_of: any_of.iter().map(|all| all.to_vec()).collect(),
    }
}

/// Spent 3,400, within 45 days, 100 pieces; or 5,000 pieces whenever.
fn steps_of(rule: &Rule, features: &Features, is_member: &[bool]) -> Vec<NextStep> {
    next_steps(rule, features, is_member, &Scales::of(features))
}

fn insiders() -> Rule {
    rule(&[
        &[
            condition(RuleFeature::GrossRevenue, Some(3_400.0), None),
            condition(RuleFeature::RecencyDays, None, Some(46.0)),
            condition(RuleFeature::QuantityOfProducts, Some(100.0), None),
        ],
        &[condition(
            RuleFeature::QuantityOfProducts,
            Some(5_000.0),
            None,
        )],
    ])
}

fn step(row: [f64; 5]) -> NextStep {
    // two others, so that a feature has a scale
    let features = customers(&[
        row,
        [100.0, 10.0, 50.0, 0.0, 0.0],
        [9_000.0, 300.0, 6_000.0, 0.1, 1.0],
    ]);
    let mut steps = steps_of(&insiders(), &features, &[false, false, true]);
    steps.swap_remove(0)
}

#[test]
fn the_smallest_change_is_told_first() {
    let money = step([2_780.0, 12.0, 556.0, 0.05, 0.0]);
    assert_eq!(
        money.text.as_deref(),
        Some("spend 620 more, or buy 4,444 more pieces (about 22,220)")
    );
    assert_eq!(money.purchase.unwrap().pieces, 124, "at 5.00 a piece");
    let back = step([4_000.0, 60.0, 400.0, 0.05, 0.0]);
    assert_eq!(
        back.text.as_deref(),
        Some("buy again now, or buy 4,600 more pieces (about 46,000)")
    );
    let pieces = step([50_000.0, 60.0, 4_999.0, 0.05, 0.0]);
    assert_eq!(pieces.purchase.unwrap().pieces, 1);
    assert!(pieces.text.unwrap().contains("buy 1 more piece (about 11)"));
}

#[test]
fn no_step_where_none_helps_or_none_is_needed() {
    let never_returned = rule(&[&[
        condition(RuleFeature::GrossRevenue, Some(100.0), Some(200.0)),
        condition(RuleFeature::Returns, None, Some(1.0)),
    ]]);
    let rows = [
        [50.0, 5.0, 10.0, 0.0, 1.0],
        [500.0, 5.0, 10.0, 0.0, 0.0],
        [150.0, 5.0, 10.0, 0.0, 0.0],
        [50.0, 5.0, 10.0, 0.0, 0.0],
    ];
    let steps = steps_of(&never_returned, &customers(&rows), &[false; 4]);
    assert_eq!(steps[0], NextStep::default(), "a return can't be undone");
    assert_eq!(steps[1], NextStep::default(), "nor money unspent");
    assert_eq!(steps[2], NextStep::default(), "the rule holds already");
    assert_eq!(steps[3].text.as_deref(), Some("spend 50 more"));
    let steps = steps_of(&Rule::default(), &customers(&rows), &[false; 4]);
    assert!(steps.iter().all(|step| *step == NextStep::default()));
}

#[test]
fn members_hear_how_long_they_stay() {
    let rows = [
        [4_000.0, 36.0, 400.0, 0.0, 0.0],
        [4_000.0, 45.0, 400.0, 0.0, 0.0],
        [4_000.0, 3.0, 400.0, 0.0, 0.0],
        [9_000.0, 45.0, 6_000.0, 0.0, 0.0],
        [10.0, 45.0, 6.0, 0.0, 0.0],
    ];
    let steps = steps_of(&insiders(), &customers(&rows), &[true; 5]);
    let keep: Vec<Option<&str>> = steps.iter().map(|step| step.keep.as_deref()).collect();
    assert_eq!(
        keep,
        [
            Some("buy again within 9 days"),
            Some("buy again today"),
            None,
            None,
            None
        ],
        "little time, none, much; without a limit; not by this rule"
    );
    assert!(steps.iter().all(|step| step.text.is_none()));
}

#[test]
fn a_purchase_moves_all_features_together() {
    let rows = [[100.0, 50.0, 20.0, 0.0, 1.0], [100.0, 50.0, 20.0, 0.2, 0.0]];
    let mut features = customers(&rows);
    features.value.purchases = vec![1, 10];
    let purchase = Purchase {
        pieces: 4,
        spend: 20.0,
    };
    let after = Purchase::applied(&features, &[purchase; 2]);
    assert_eq!(after.gross_revenue, [120.0; 2]);
    assert_eq!(after.quantity_of_products, [24; 2]);
    assert_eq!(after.recency_days, [0; 2]);
    assert_eq!(after.returns, [1, 0]);
    // the second one's ten invoices were in fifty days
    assert_eq!(after.frequency, [2.0 / 50.0, 11.0 / 100.0]);
}

proptest! {
    /// Whoever takes the step fulfils the rule.
    #[test]
    fn the_step_makes_the_rule_hold(
        revenue in 0.01_f64..20_000.0,
        days in 0_u32..400,
        pieces in 1_u32..9_000,
        frequency in prop_oneof![Just(0.0), 0.005_f64..1.0],
        least in 1.0_f64..20_000.0,
        within in 1_u32..400,
        came in prop_oneof![Just(None), Just(Some(1e-4)), (0.005_f64..0.2).prop_map(Some)],
    ) {
        let rule = rule(&[
            &[
                condition(RuleFeature::GrossRevenue, Some(least), None),
                condition(RuleFeature::RecencyDays, None, Some(f64::from(within))),
                condition(RuleFeature::Frequency, came, None),
            ],
            &[condition(RuleFeature::QuantityOfProducts, Some(least.ceil()), None)],
        ]);
        let row = [revenue, f64::from(days), f64::from(pieces), frequency, 0.0];
        let features = customers(&[row]);
        let is_member = rule.holds(&row);
        let step = steps_of(&rule, &features, &[false]).swap_remove(0);
        match step.purchase {
            None => prop_assert!(is_member),
            Some(purchase) => {
                prop_assert!(!is_member && step.text.is_some() && purchase.pieces >= 1);
                let after = matrix(&Purchase::applied(&features, &[purchase]));
                prop_assert!(rule.holds(&after.row(0).to_vec()), "{step:?}");
            }
        }
    }
}
