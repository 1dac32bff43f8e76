//! The figures on a terminal.

use std::fmt::Write;

use shared::exploration::{Cell, Exploration, Figures, Method, Outcome, Space};

const HEAD: &str = "silhouette  stability (low)     inertia  Davies-Bouldin  Calinski-Harabasz  \
                    eta squared  smallest";

/// Every choice, then what each method in each space comes to, then the recommendation.
pub(super) fn text(found: &Exploration) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    for space in Space::ALL {
        for method in Method::ALL {
            let _ = writeln!(text, "{}, {}", space.name(), method.name());
            let _ = writeln!(text, "   k  {HEAD}");
            for cell in found.curve(space, method) {
                let _ = writeln!(text, "{:>4}  {}", cell.k, row(cell));
            }
            text.push('\n');
        }
    }
    let _ = writeln!(
        text,
        "{:<29}{:>4} {:>6}  {HEAD}",
        "the best of each", "k", "elbow"
    );
    for curve in &found.curves {
        let choice = &curve.choice;
        let figures = found.figures(curve.space, curve.method, choice.k);
        let name = format!("{}, {}", curve.space.name(), curve.method.name());
        let bend = choice.elbow.map_or("-".to_owned(), |k| k.to_string());
        let _ = writeln!(
            text,
            "{name:<29}{:>4} {bend:>6}  {}",
            choice.k,
            figures.map(line).unwrap_or_default()
        );
    }
    let _ = write!(text, "\n{}", seen(found));
    if let Some(recommended) = &found.recommendation {
        let _ = write!(text, "\n{}", recommended.reason);
    }
    text
}

/// What was looked at.
pub(super) fn seen(found: &Exploration) -> String {
    let plan = &found.plan;
    let customers = if found.looked_at == found.customers {
        format!("{} customers", found.customers)
    } else {
        format!(
            "{} of {} customers, drawn by seed {}",
            found.looked_at, found.customers, plan.seed
        )
    };
    let stability = match plan.resamples {
        0 => "stability is not measured".to_owned(),
        refits => format!(
            "stability: mean adjusted Rand index of {refits} refits on 80% of them, the space as it is"
        ),
    };
    format!(
        "{customers}; {stability}; pca holds {:.1}% of the variance of the scaled features",
        found.pca_explained * 100.0
    )
}

fn row(cell: &Cell) -> String {
    match &cell.outcome {
        Outcome::Figures(figures) => line(figures),
        Outcome::Failed(reason) => format!("no fit: {reason}"),
    }
}

fn line(figures: &Figures) -> String {
    let [
        silhouette,
        stability,
        lowest,
        inertia,
        davies,
        calinski,
        eta,
    ] = numbers(figures);
    let stability = match lowest.as_str() {
        "-" => stability,
        lowest => format!("{stability} ({lowest})"),
    };
    format!(
        "{silhouette:>10}  {stability:>15}  {inertia:>10}  {davies:>14}  {calinski:>17}  \
         {eta:>11}  {:>8}",
        figures.smallest
    )
}

/// Silhouette, stability and its lowest, inertia, Davies–Bouldin, Calinski–Harabasz, eta
/// squared; a dash for what is not defined.
pub(super) fn numbers(figures: &Figures) -> [String; 7] {
    let short = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    [
        short(figures.silhouette),
        short(figures.stability.map(|s| s.mean)),
        short(figures.stability.map(|s| s.lowest)),
        magnitude(figures.inertia),
        short(figures.davies_bouldin),
        figures.calinski_harabasz.map_or("-".to_owned(), magnitude),
        short(Some(figures.eta_squared)),
    ]
}

/// Four digits or more, whatever the unit.
pub(super) fn magnitude(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_digits_to_tell_them_apart_and_dashes_where_there_is_none() {
        assert_eq!(magnitude(5_774.31), "5774");
        assert_eq!(magnitude(12.345), "12.35");
        assert_eq!(magnitude(0.012_34), "0.0123");
        let found = numbers(&Figures::default());
        assert_eq!(found, ["-", "-", "-", "0.0000", "-", "-", "0.000"]);
    }
}
