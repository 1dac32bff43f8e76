-- What BI tools draw from: one view a question, ready to be charted.

CREATE VIEW insiders.segment_trend AS
SELECT
    r.as_of,
    p.label,
    p.segment,
    p.customers,
    p.share,
    p.customers * p.gross_revenue AS total_revenue,
    p.revenue_share,
    p.gross_revenue AS mean_revenue,
    p.recency_days,
    p.frequency,
    p.returns,
    r.run_id,
    r.published_at
FROM insiders.segment_profiles p
JOIN insiders.runs r ON r.run_id = p.run_id AND r.retired_at IS NULL
ORDER BY r.as_of, r.published_at, p.label;

COMMENT ON VIEW insiders.segment_trend IS 'Each segment in every kept run: how its customers and their revenue go, run by run.';
COMMENT ON COLUMN insiders.segment_trend.as_of IS 'The run''s moment, in the shop''s own time.';
COMMENT ON COLUMN insiders.segment_trend.label IS 'Segment number, the same in every run.';
COMMENT ON COLUMN insiders.segment_trend.segment IS 'Segment name in that run.';
COMMENT ON COLUMN insiders.segment_trend.customers IS 'Customers in the segment.';
COMMENT ON COLUMN insiders.segment_trend.share IS 'Share of all customers, 0 to 1.';
COMMENT ON COLUMN insiders.segment_trend.total_revenue IS 'Sum of their gross revenue, in the shop''s currency.';
COMMENT ON COLUMN insiders.segment_trend.revenue_share IS 'Share of all revenue, 0 to 1.';
COMMENT ON COLUMN insiders.segment_trend.mean_revenue IS 'Mean gross revenue of a customer.';
COMMENT ON COLUMN insiders.segment_trend.recency_days IS 'Mean days since the last purchase.';
COMMENT ON COLUMN insiders.segment_trend.frequency IS 'Mean frequency.';
COMMENT ON COLUMN insiders.segment_trend.returns IS 'Mean number of return invoices.';
COMMENT ON COLUMN insiders.segment_trend.run_id IS 'The run.';
COMMENT ON COLUMN insiders.segment_trend.published_at IS 'When it was published.';

CREATE VIEW insiders.rfm_by_segment AS
SELECT
    i.labels AS label,
    i.segment,
    i.rfm_group,
    count(*) AS customers,
    count(*) / sum(count(*)) OVER (PARTITION BY i.labels)::double precision AS share_of_segment,
    count(*) / sum(count(*)) OVER (PARTITION BY i.rfm_group)::double precision AS share_of_group,
    sum(i.gross_revenue) AS total_revenue
FROM insiders.insiders i
WHERE i.rfm_group IS NOT NULL
GROUP BY i.labels, i.segment, i.rfm_group
ORDER BY i.labels, count(*) DESC, i.rfm_group;

COMMENT ON VIEW insiders.rfm_by_segment IS 'The current run''s segments beside the classical RFM groups: one row for each pair that has customers.';
COMMENT ON COLUMN insiders.rfm_by_segment.label IS 'Segment number.';
COMMENT ON COLUMN insiders.rfm_by_segment.segment IS 'Segment name.';
COMMENT ON COLUMN insiders.rfm_by_segment.rfm_group IS 'RFM group.';
COMMENT ON COLUMN insiders.rfm_by_segment.customers IS 'Customers that are in both.';
COMMENT ON COLUMN insiders.rfm_by_segment.share_of_segment IS 'Their share of the segment''s customers, 0 to 1.';
COMMENT ON COLUMN insiders.rfm_by_segment.share_of_group IS 'Their share of the RFM group''s customers, 0 to 1.';
COMMENT ON COLUMN insiders.rfm_by_segment.total_revenue IS 'Sum of their gross revenue, in the shop''s currency.';

CREATE VIEW insiders.clv_by_segment AS
SELECT
    i.labels AS label,
    i.segment,
    count(*) AS customers,
    count(i.clv) AS valued_customers,
    sum(i.gross_revenue) AS total_revenue,
    sum(i.clv) AS total_clv,
    avg(i.clv) AS mean_clv,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY i.clv) AS median_clv,
    sum(i.expected_purchases) AS expected_purchases,
    avg(i.p_alive) AS mean_p_alive
FROM insiders.insiders i
GROUP BY i.labels, i.segment
ORDER BY i.labels;

COMMENT ON VIEW insiders.clv_by_segment IS 'What the customers of each segment of the current run are expected to do within the horizon.';
COMMENT ON COLUMN insiders.clv_by_segment.label IS 'Segment number.';
COMMENT ON COLUMN insiders.clv_by_segment.segment IS 'Segment name.';
COMMENT ON COLUMN insiders.clv_by_segment.customers IS 'Customers in the segment.';
COMMENT ON COLUMN insiders.clv_by_segment.valued_customers IS 'Those of them who have a lifetime value: guests have none.';
COMMENT ON COLUMN insiders.clv_by_segment.total_revenue IS 'Sum of the gross revenue of all of them until now.';
COMMENT ON COLUMN insiders.clv_by_segment.total_clv IS 'Sum of the lifetime values: discounted gross revenue to be expected within the horizon (value.horizon_days, 365).';
COMMENT ON COLUMN insiders.clv_by_segment.mean_clv IS 'Mean lifetime value of those who have one.';
COMMENT ON COLUMN insiders.clv_by_segment.median_clv IS 'Median of the same.';
COMMENT ON COLUMN insiders.clv_by_segment.expected_purchases IS 'Days with a purchase to be expected of them within the horizon.';
COMMENT ON COLUMN insiders.clv_by_segment.mean_p_alive IS 'Mean probability that a customer still buys.';

CREATE VIEW insiders.run_health AS
SELECT
    r.as_of,
    r.published_at,
    r.run_id,
    r.run_id IS NOT DISTINCT FROM (SELECT v.run_id FROM insiders.visible_run v) AS is_current,
    r.customers,
    (r.manifest #>> '{counts,guests}')::bigint AS guests,
    (r.manifest #>> '{counts,rows_read}')::bigint AS rows_read,
    (r.manifest #>> '{counts,rows_kept}')::bigint AS rows_kept,
    (r.manifest #>> '{counts,rows_dropped}')::bigint AS rows_dropped,
    (r.manifest #>> '{counts,rows_quarantined}')::bigint AS rows_quarantined,
    (r.manifest #>> '{counts,rows_quarantined}')::double precision
        / nullif((r.manifest #>> '{counts,rows_read}')::bigint, 0) AS quarantined_share,
    extract(epoch FROM localtimestamp - r.as_of)::double precision / 86400 AS days_old,
    (r.manifest #>> '{quality,silhouette}')::double precision AS silhouette,
    (r.manifest #>> '{quality,inertia}')::double precision AS inertia,
    (SELECT max((d.feature ->> 'psi')::double precision)
        FROM jsonb_array_elements(r.manifest -> 'drift') AS d (feature)) AS largest_psi,
    r.model_version,
    r.manifest ->> 'action' AS model_action,
    (SELECT sum((s.stage ->> 'seconds')::double precision)
        FROM jsonb_array_elements(r.manifest -> 'stages') AS s (stage)) AS seconds,
    (SELECT max((s.stage ->> 'peak_memory_bytes')::bigint)
        FROM jsonb_array_elements(r.manifest -> 'stages') AS s (stage)) AS peak_memory_bytes,
    (SELECT sum((s.stage ->> 'estimated_cost_usd')::double precision)
        FROM jsonb_array_elements(r.manifest -> 'stages') AS s (stage)) AS estimated_cost_usd
FROM insiders.runs r
WHERE r.retired_at IS NULL
ORDER BY r.as_of, r.published_at, r.run_id;

COMMENT ON VIEW insiders.run_health IS 'Every kept run: what was read, what could not be, how good the segments are, how old it is and what it took.';
COMMENT ON COLUMN insiders.run_health.as_of IS 'The run''s moment, in the shop''s own time.';
COMMENT ON COLUMN insiders.run_health.published_at IS 'When it was published.';
COMMENT ON COLUMN insiders.run_health.run_id IS 'The run.';
COMMENT ON COLUMN insiders.run_health.is_current IS 'Whether it is the run that the other views show.';
COMMENT ON COLUMN insiders.run_health.customers IS 'Its customers.';
COMMENT ON COLUMN insiders.run_health.guests IS 'Those of them that are guests.';
COMMENT ON COLUMN insiders.run_health.rows_read IS 'Rows of the export.';
COMMENT ON COLUMN insiders.run_health.rows_kept IS 'Rows that stayed after every rule.';
COMMENT ON COLUMN insiders.run_health.rows_dropped IS 'Rows that a rule dropped.';
COMMENT ON COLUMN insiders.run_health.rows_quarantined IS 'Rows that could not be read.';
COMMENT ON COLUMN insiders.run_health.quarantined_share IS 'Their share of the rows, 0 to 1.';
COMMENT ON COLUMN insiders.run_health.days_old IS 'Days from the run''s moment to now, by the session''s time zone.';
COMMENT ON COLUMN insiders.run_health.silhouette IS 'Mean silhouette of the segments in the embedding, -1 to 1.';
COMMENT ON COLUMN insiders.run_health.inertia IS 'Sum of squared distances to the centroids in the embedding.';
COMMENT ON COLUMN insiders.run_health.largest_psi IS 'Largest population stability index of a feature against the model''s training; null for the run that fitted it.';
COMMENT ON COLUMN insiders.run_health.model_version IS 'The model that placed the customers.';
COMMENT ON COLUMN insiders.run_health.model_action IS 'fit or apply.';
COMMENT ON COLUMN insiders.run_health.seconds IS 'Time of the stages before publishing, in seconds.';
COMMENT ON COLUMN insiders.run_health.peak_memory_bytes IS 'Largest peak memory of those stages.';
COMMENT ON COLUMN insiders.run_health.estimated_cost_usd IS 'Their price by estimate, in USD.';

DO $body$
BEGIN
    IF to_regrole('insiders_reader') IS NOT NULL THEN
        PERFORM insiders.grant_reader('insiders_reader');
    END IF;
END $body$;
