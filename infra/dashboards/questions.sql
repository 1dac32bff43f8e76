-- Questions to paste into Metabase (New, SQL query) or Superset (SQL Lab). Each begins with its
-- name and ends at the semicolon.

-- question: How have the segments gone?
SELECT as_of, segment, customers, total_revenue, revenue_share
FROM insiders.segment_trend
ORDER BY as_of, label;

-- question: Which RFM groups are our segments made of?
SELECT segment, rfm_group, customers, share_of_segment
FROM insiders.rfm_by_segment
ORDER BY label, customers DESC;

-- question: Where will next year's revenue come from?
SELECT segment, valued_customers, total_clv, mean_clv, expected_purchases
FROM insiders.clv_by_segment
ORDER BY total_clv DESC NULLS LAST;

-- question: Who of our best customers is at risk?
SELECT customer_id, segment, gross_revenue, recency_days, purchases, rfm_group, p_alive
FROM insiders.insiders
WHERE rfm_monetary >= 4 AND rfm_recency <= 2
ORDER BY gross_revenue DESC;

-- question: Who moved between segments in the last run?
SELECT from_segment, to_segment, customers, gross_revenue
FROM insiders.migration_matrix
WHERE run_id = (SELECT run_id FROM insiders.visible_run)
    AND from_label IS DISTINCT FROM to_label
ORDER BY gross_revenue DESC;

-- question: Are the data whole and fresh?
SELECT as_of, rows_read, rows_quarantined, quarantined_share, days_old, silhouette, largest_psi
FROM insiders.run_health
ORDER BY as_of DESC, published_at DESC;
