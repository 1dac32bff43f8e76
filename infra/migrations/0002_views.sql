-- What people and BI tools read.

-- The run that a query sees.
--
-- It is current_run, found by way of the moves, and with a care that current_run alone
-- can't take. A query is planned over the partitions that exist then, but reads the tables
-- as they are when it starts to run, a moment later. A run that is attached and made current
-- between the two has no partition in the plan, and a view on current_run would be empty.
-- So this takes the newest move whose run has rows in the partitions of this very plan: the
-- new run where the plan knows it, else the one before, whole.
--
-- The inner query is a scalar one on purpose: EXISTS would become a join over every run.
CREATE VIEW insiders.visible_run AS
SELECT m.to_run_id AS run_id
FROM insiders.pointer_history m
WHERE (
    SELECT true
    FROM insiders.segment_members s
    WHERE s.run_id = m.to_run_id
    LIMIT 1
)
ORDER BY m.move_id DESC
LIMIT 1;

COMMENT ON VIEW insiders.visible_run IS 'The run that a query of the other views sees: the current one.';
COMMENT ON COLUMN insiders.visible_run.run_id IS 'The run.';

CREATE VIEW insiders.insiders AS
SELECT
    s.customer_id,
    s.gross_revenue,
    s.recency_days,
    s.quantity_of_products,
    s.returns,
    s.frequency,
    s.label AS labels,
    p.segment,
    s.is_guest,
    s.embedding_x,
    s.embedding_y,
    s.run_id
FROM insiders.segment_members s
LEFT JOIN insiders.segment_profiles p ON p.run_id = s.run_id AND p.label = s.label
WHERE s.run_id = (SELECT v.run_id FROM insiders.visible_run v);

COMMENT ON VIEW insiders.insiders IS 'Every customer of the current run, with features and segment: the notebook''s table.';
COMMENT ON COLUMN insiders.insiders.customer_id IS 'The customer''s id as the shop writes it.';
COMMENT ON COLUMN insiders.insiders.gross_revenue IS 'Sum of price times quantity over purchases, in the shop''s currency.';
COMMENT ON COLUMN insiders.insiders.recency_days IS 'Whole days from the last purchase to the run''s moment.';
COMMENT ON COLUMN insiders.insiders.quantity_of_products IS 'Units bought.';
COMMENT ON COLUMN insiders.insiders.returns IS 'Distinct invoices with a return.';
COMMENT ON COLUMN insiders.insiders.frequency IS 'Distinct purchase invoices a day between the first and the last purchase; 0 where that is less than a day.';
COMMENT ON COLUMN insiders.insiders.labels IS 'Segment number.';
COMMENT ON COLUMN insiders.insiders.segment IS 'Segment name.';
COMMENT ON COLUMN insiders.insiders.is_guest IS 'An invoice without a customer id, counted as a customer of its own.';
COMMENT ON COLUMN insiders.insiders.embedding_x IS 'First coordinate in the embedding.';
COMMENT ON COLUMN insiders.insiders.embedding_y IS 'Second coordinate in the embedding.';
COMMENT ON COLUMN insiders.insiders.run_id IS 'The run that the row is from: the same in every row.';

CREATE VIEW insiders.segments AS
SELECT
    p.label,
    p.segment,
    p.customers,
    p.share,
    p.gross_revenue,
    p.frequency,
    p.returns,
    p.recency_days,
    p.revenue_share,
    p.run_id,
    r.as_of
FROM insiders.segment_profiles p
JOIN insiders.runs r ON r.run_id = p.run_id
WHERE p.run_id = (SELECT v.run_id FROM insiders.visible_run v)
ORDER BY p.label;

COMMENT ON VIEW insiders.segments IS 'The segments of the current run, by number.';
COMMENT ON COLUMN insiders.segments.label IS 'Segment number.';
COMMENT ON COLUMN insiders.segments.segment IS 'Segment name.';
COMMENT ON COLUMN insiders.segments.customers IS 'Customers in the segment.';
COMMENT ON COLUMN insiders.segments.share IS 'Share of all customers, 0 to 1.';
COMMENT ON COLUMN insiders.segments.gross_revenue IS 'Mean gross revenue of a customer.';
COMMENT ON COLUMN insiders.segments.frequency IS 'Mean frequency.';
COMMENT ON COLUMN insiders.segments.returns IS 'Mean number of return invoices.';
COMMENT ON COLUMN insiders.segments.recency_days IS 'Mean days since the last purchase.';
COMMENT ON COLUMN insiders.segments.revenue_share IS 'Share of all revenue, 0 to 1.';
COMMENT ON COLUMN insiders.segments.run_id IS 'The run.';
COMMENT ON COLUMN insiders.segments.as_of IS 'The run''s moment, in the shop''s own time.';

CREATE VIEW insiders.history AS
SELECT
    s.customer_id,
    r.as_of,
    s.run_id,
    s.label,
    p.segment,
    s.is_guest,
    s.gross_revenue,
    s.recency_days,
    s.quantity_of_products,
    s.returns,
    s.frequency,
    r.published_at
FROM insiders.segment_members s
JOIN insiders.runs r ON r.run_id = s.run_id AND r.retired_at IS NULL
LEFT JOIN insiders.segment_profiles p ON p.run_id = s.run_id AND p.label = s.label;

COMMENT ON VIEW insiders.history IS 'Each customer''s segment in every kept run.';
COMMENT ON COLUMN insiders.history.customer_id IS 'The customer''s id as the shop writes it.';
COMMENT ON COLUMN insiders.history.as_of IS 'The run''s moment, in the shop''s own time.';
COMMENT ON COLUMN insiders.history.run_id IS 'The run.';
COMMENT ON COLUMN insiders.history.label IS 'Segment number in that run.';
COMMENT ON COLUMN insiders.history.segment IS 'Segment name in that run.';
COMMENT ON COLUMN insiders.history.is_guest IS 'An invoice without a customer id, counted as a customer of its own.';
COMMENT ON COLUMN insiders.history.gross_revenue IS 'Gross revenue at that moment.';
COMMENT ON COLUMN insiders.history.recency_days IS 'Days since the last purchase at that moment.';
COMMENT ON COLUMN insiders.history.quantity_of_products IS 'Units bought until then.';
COMMENT ON COLUMN insiders.history.returns IS 'Return invoices until then.';
COMMENT ON COLUMN insiders.history.frequency IS 'Frequency at that moment.';
COMMENT ON COLUMN insiders.history.published_at IS 'When the run was published.';
