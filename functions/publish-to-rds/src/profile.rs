//! The profile of a run whose file still has customers that were erased.

use shared::Result;
use shared::segments::Profile;

use crate::names::Table;
use crate::run::PublishRun;
use crate::session::Session;

/// The run's segments with the figures of those who were loaded. A segment that nobody is
/// left of stays, without customers: its name is still the one that others moved from.
pub(crate) async fn without_erased(session: &Session, run: &PublishRun) -> Result<Profile> {
    let operation = "describing the segments";
    let sql = format!(
        "SELECT label, customers, share, gross_revenue, frequency, returns, recency_days, \
         revenue_share FROM insiders.count_profile('insiders.{}')",
        Table::Members.staging(&run.run_id)
    );
    let rows = session
        .transaction(operation, async {
            session.allow_load_in_transaction(operation).await?;
            session.rows(operation, &sql, &[]).await
        })
        .await?;
    let mut profile = run.profile.clone();
    for segment in &mut profile.segments {
        segment.customers = 0;
        for figure in [
            &mut segment.share,
            &mut segment.gross_revenue,
            &mut segment.frequency,
            &mut segment.returns,
            &mut segment.recency_days,
            &mut segment.revenue_share,
        ] {
            *figure = 0.0;
        }
    }
    for row in &rows {
        let label: i32 = session.get(row, 0)?;
        let found = profile
            .segments
            .iter_mut()
            .find(|segment| segment.label.cast_signed() == label);
        if let Some(segment) = found {
            segment.customers = session.get::<i64>(row, 1)?.cast_unsigned();
            segment.share = session.get(row, 2)?;
            segment.gross_revenue = session.get(row, 3)?;
            segment.frequency = session.get(row, 4)?;
            segment.returns = session.get(row, 5)?;
            segment.recency_days = session.get(row, 6)?;
            segment.revenue_share = session.get(row, 7)?;
        }
    }
    Ok(profile)
}
