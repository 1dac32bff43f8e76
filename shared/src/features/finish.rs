//! One row of features per customer.

use super::Customers;
use super::accumulate::{Totals, day_of};
use crate::settings::Decimal;
use crate::value::{Purchases, Value, Visits};
use crate::{Error, Result};

pub(super) const SECONDS_A_DAY: i64 = 86_400;

/// Features by column, one entry a customer, in the byte order of the ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// The customer's id.
    pub customer_id: Vec<String>,
    /// Whether the id stands for an invoice without one.
    pub is_guest: Vec<bool>,
    /// Sum of price times quantity over purchases, in the shop's currency.
    pub gross_revenue: Vec<f64>,
    /// Whole days from the last purchase to the as-of moment.
    pub recency_days: Vec<i64>,
    /// Pieces bought.
    pub quantity_of_products: Vec<i64>,
    /// Distinct return invoices.
    pub returns: Vec<i64>,
    /// Distinct purchase invoices a day between the first and the last purchase; 0 where
    /// those are less than a day apart.
    pub frequency: Vec<f64>,
    /// RFM and lifetime value.
    pub value: Value,
}

/// The cells of `column` at `rows`, in that order; rows that are not there are left out.
pub fn pick<T: Clone>(column: &[T], rows: &[usize]) -> Vec<T> {
    let cells = rows.iter().filter_map(|&row| column.get(row));
    cells.cloned().collect()
}

impl Features {
    /// Customers.
    pub fn len(&self) -> usize {
        self.customer_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.customer_id.is_empty()
    }

    /// Customers that are guests.
    pub fn guests(&self) -> usize {
        self.is_guest.iter().filter(|&&guest| guest).count()
    }

    /// The customers at `rows`, in that order; rows that are not there are left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            customer_id: pick(&self.customer_id, rows),
            is_guest: pick(&self.is_guest, rows),
            gross_revenue: pick(&self.gross_revenue, rows),
            recency_days: pick(&self.recency_days, rows),
            quantity_of_products: pick(&self.quantity_of_products, rows),
            returns: pick(&self.returns, rows),
            frequency: pick(&self.frequency, rows),
            value: self.value.select(rows),
        }
    }

    /// Takes other customers in behind these.
    pub fn append(&mut self, other: Self) {
        self.customer_id.extend(other.customer_id);
        self.is_guest.extend(other.is_guest);
        self.gross_revenue.extend(other.gross_revenue);
        self.recency_days.extend(other.recency_days);
        self.quantity_of_products.extend(other.quantity_of_products);
        self.returns.extend(other.returns);
        self.frequency.extend(other.frequency);
        self.value.append(other.value);
    }

    /// Where each row is in the byte order of the ids; `None` where they are in it already.
    pub fn order(&self) -> Option<Vec<usize>> {
        if self.customer_id.is_sorted() {
            return None;
        }
        let mut rows: Vec<usize> = (0..self.len()).collect();
        rows.sort_unstable_by(|&a, &b| self.customer_id.get(a).cmp(&self.customer_id.get(b)));
        Some(rows)
    }

    /// The same customers in the byte order of their ids.
    #[must_use]
    pub fn in_order(self) -> Self {
        match self.order() {
            Some(rows) => self.select(&rows),
            None => self,
        }
    }

    /// Natural logarithm of each revenue; what is below a hundredth counts as one.
    pub fn log_revenue(&self) -> Vec<f64> {
        let revenue = self.gross_revenue.iter();
        revenue.map(|&v| libm::log(v.max(0.01))).collect()
    }
}

impl Customers<'_> {
    /// The features of every customer with a purchase, seen from `as_of` (seconds), and in the
    /// same order what their value is worked out from.
    pub fn features(&self, as_of: i64) -> Result<(Features, Vec<Purchases>)> {
        let mut buyers: Vec<usize> = (0..self.totals.len())
            .filter(|&customer| {
                self.totals
                    .get(customer)
                    .is_some_and(|t| t.purchases.is_some())
            })
            .collect();
        buyers.sort_unstable_by(|&a, &b| self.id_of(a).cmp(self.id_of(b)));
        let mut features = Features::default();
        let mut purchases = Vec::with_capacity(buyers.len());
        for customer in buyers {
            let Some(totals) = self.totals.get(customer) else {
                continue;
            };
            let Some((first, last)) = totals.purchases else {
                continue;
            };
            features.customer_id.push(self.id_of(customer).to_owned());
            features.is_guest.push(totals.is_guest);
            features
                .gross_revenue
                .push(Decimal(totals.revenue).to_f64());
            features
                .recency_days
                .push((as_of - last).div_euclid(SECONDS_A_DAY));
            features.quantity_of_products.push(pieces(totals)?);
            features.returns.push(i64::from(totals.return_invoices));
            features
                .frequency
                .push(frequency(totals.purchase_invoices, first, last));
            purchases.push(by_day(totals, first, last, as_of));
        }
        Ok((features, purchases))
    }

    /// Customers with a kept line, with or without a purchase.
    pub fn kept(&self) -> impl Iterator<Item = (bool, bool)> + '_ {
        let kept = self.totals.iter().filter(|totals| totals.is_kept);
        kept.map(|totals| (totals.purchases.is_some(), totals.return_invoices > 0))
    }
}

/// Days are the calendar's, in the shop's own time. The first one's value is left out of the
/// mean: it is what brought the customer here, not what they come again for.
fn by_day(totals: &Totals, first: i64, last: i64, as_of: i64) -> Purchases {
    let (from, to) = (day_of(first), day_of(last));
    let days = |until: i32| u32::try_from(until - from).unwrap_or_default();
    let repeats = totals.purchase_days.saturating_sub(1);
    let first_day = totals.first_day.map_or(0, |(_, value)| value);
    Purchases {
        is_guest: totals.is_guest,
        invoices: totals.purchase_invoices,
        visits: Visits {
            repeats,
            recency: days(to),
            age: days(day_of(as_of)),
        },
        mean_value: if repeats == 0 {
            0.0
        } else {
            Decimal(totals.revenue - first_day).to_f64() / f64::from(repeats)
        },
    }
}

fn pieces(totals: &Totals) -> Result<i64> {
    i64::try_from(totals.quantity)
        .map_err(|_| Error::Internal("a customer's pieces exceed 64 bits".to_owned()))
}

fn frequency(invoices: u32, first: i64, last: i64) -> f64 {
    let days = (last - first) / SECONDS_A_DAY;
    if days == 0 {
        0.0
    } else {
        f64::from(invoices) / days as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::transactions::line::Line;

    /// Lines of customer 7: invoice, day, hour, amount.
    fn purchases(lines: &[(&str, i64, i64, i64)], as_of: i64) -> Purchases {
        let settings = Settings::default();
        let mut customers = Customers::new(&settings.cleaning, None);
        for &(invoice_no, day, hour, amount) in lines {
            let amount: Decimal = amount.to_string().parse().unwrap();
            let line = Line {
                invoice_no,
                stock_code: "A1",
                description: Some("x"),
                quantity: 1,
                seconds: day * SECONDS_A_DAY + hour * 3_600,
                unit_price: amount,
                amount,
                customer_id: Some("7"),
                country: "UK",
            };
            let kept = customers.attribute(&line, 1).unwrap().unwrap();
            customers.add(kept, &line).unwrap();
        }
        customers.features(as_of * SECONDS_A_DAY).unwrap().1[0]
    }

    #[test]
    fn repeat_purchases_are_days_after_the_first_and_its_value_is_left_out() {
        // Day 10: 5 + 3 in two invoices, day 12: 20, day 20: 4 + 6. Two days after the first
        // with 30 in all; from 10 to 20, seen from 25.
        let mut lines = vec![
            ("1", 10, 9, 5),
            ("2", 10, 23, 3),
            ("3", 12, 0, 20),
            ("4", 20, 1, 4),
            ("5", 20, 8, 6),
        ];
        let expected = Purchases {
            is_guest: false,
            invoices: 5,
            visits: Visits {
                repeats: 2,
                recency: 10,
                age: 15,
            },
            mean_value: 15.0,
        };
        for _ in 0..lines.len() {
            assert_eq!(purchases(&lines, 25), expected);
            lines.rotate_left(1);
        }
        lines.reverse();
        assert_eq!(purchases(&lines, 25), expected);
    }

    #[test]
    fn a_customer_of_one_day_came_never_again() {
        let found = purchases(&[("1", -3, 9, 5), ("2", -3, 10, 5)], 0);
        assert_eq!((found.invoices, found.mean_value), (2, 0.0));
        let age_only = Visits {
            age: 3,
            ..Visits::default()
        };
        assert_eq!(found.visits, age_only);
    }
}
