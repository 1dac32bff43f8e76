//! Why no customer is left, and which setting may be wrong.

use crate::features::Tally;

/// Where all rows went, and what to look at: what took the most.
pub(super) fn reason(tally: &Tally) -> String {
    let dropped = &tally.dropped;
    let ways = [
        (
            tally.quarantined(),
            "can't be read",
            "look at the export's first rows",
        ),
        (
            tally.after_as_of,
            "are later than the as-of moment",
            "is the as-of moment right?",
        ),
        (
            tally.before_window,
            "are before the window",
            "is source.window_days right?",
        ),
        (
            dropped.erased,
            "are of erased customers",
            "the export has to hold others, too",
        ),
        (
            dropped.no_customer_id,
            "have no customer id",
            "is source.columns.customer_id the right column? cleaning.guests = \"invoice\" keeps \
             guests",
        ),
        (
            dropped.no_description,
            "have no description",
            "is source.columns.description the right column?",
        ),
        (
            dropped.stock_code,
            "have an excluded stock code",
            "is cleaning.excluded_stock_codes right?",
        ),
        (
            dropped.country,
            "are of an excluded country",
            "is cleaning.excluded_countries right?",
        ),
        (
            dropped.unit_price,
            "are below the least unit price",
            "is cleaning.min_unit_price right for this currency?",
        ),
        (
            dropped.customer,
            "are of an excluded customer",
            "is cleaning.excluded_customers right?",
        ),
        (
            tally.returns,
            "are returns",
            "purchases are lines with a quantity above 0: is its sign right?",
        ),
        (
            tally.zeros,
            "have a quantity of 0",
            "is source.columns.quantity the right column?",
        ),
    ];
    let parts: Vec<String> = ways
        .iter()
        .filter(|(rows, ..)| *rows > 0)
        .map(|(rows, where_, _)| format!("{rows} {where_}"))
        .collect();
    // The first of equals.
    let most = ways.iter().rev().max_by_key(|(rows, ..)| *rows);
    format!(
        "no customer is left of {} rows: {}; {}",
        tally.rows,
        parts.join(", "),
        most.map_or("", |way| way.2),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_counted_and_what_took_the_most_is_to_be_looked_at() {
        let mut tally = Tally::default();
        tally.rows = 10;
        tally.returns = 2;
        tally.dropped.country = 7;
        tally.dropped.unit_price = 1;
        assert_eq!(
            reason(&tally),
            "no customer is left of 10 rows: 7 are of an excluded country, 1 are below the least \
             unit price, 2 are returns; is cleaning.excluded_countries right?"
        );
    }
}
