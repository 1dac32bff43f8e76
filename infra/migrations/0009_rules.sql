-- What one must do to be in a segment, and what a customer's next step to the best one is.

-- Null in the runs that were published before this, and where it says so.
ALTER TABLE insiders.segment_members
    ADD COLUMN next_step        text,
    ADD COLUMN next_step_pieces bigint,
    ADD COLUMN next_step_spend  double precision,
    ADD COLUMN keep             text;

COMMENT ON COLUMN insiders.segment_members.next_step IS 'The smallest change that would make the customer fulfil the rule of the first segment; null for its members, for who fulfils it, and where no purchase would do.';
COMMENT ON COLUMN insiders.segment_members.next_step_pieces IS 'Pieces of the purchase that next_step begins with; null as next_step.';
COMMENT ON COLUMN insiders.segment_members.next_step_spend IS 'What they cost at the mean price that the customer paid so far, in the shop''s currency; null as next_step.';
COMMENT ON COLUMN insiders.segment_members.keep IS 'What keeps a member of the first segment in it who has at most 30 days left by its rule; else null.';

ALTER TABLE insiders.segment_profiles
    ADD COLUMN rule            text,
    ADD COLUMN rule_conditions jsonb,
    ADD COLUMN rule_precision  double precision,
    ADD COLUMN rule_recall     double precision,
    ADD COLUMN rule_coverage   double precision,
    ADD COLUMN rule_f1         double precision;

COMMENT ON COLUMN insiders.segment_profiles.rule IS 'What one must do to be in the segment, in the features'' own units; found when the model was fitted.';
COMMENT ON COLUMN insiders.segment_profiles.rule_conditions IS 'The rule as a list of alternatives, each a list of conditions: feature, at_least, below.';
COMMENT ON COLUMN insiders.segment_profiles.rule_precision IS 'Share of the customers whom the rule names that are in the segment, when the run was made.';
COMMENT ON COLUMN insiders.segment_profiles.rule_recall IS 'Share of the segment''s customers whom the rule names, when the run was made.';
COMMENT ON COLUMN insiders.segment_profiles.rule_coverage IS 'Share of all customers whom the rule names, when the run was made.';
COMMENT ON COLUMN insiders.segment_profiles.rule_f1 IS 'Harmonic mean of rule_precision and rule_recall.';

CREATE OR REPLACE VIEW insiders.insiders AS
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
    s.run_id,
    s.purchases,
    s.rfm_recency,
    s.rfm_frequency,
    s.rfm_monetary,
    s.rfm_group,
    s.p_alive,
    s.expected_purchases,
    s.clv,
    s.next_step,
    s.next_step_pieces,
    s.next_step_spend,
    s.keep
FROM insiders.segment_members s
LEFT JOIN insiders.segment_profiles p ON p.run_id = s.run_id AND p.label = s.label
WHERE s.run_id = (SELECT v.run_id FROM insiders.visible_run v);

COMMENT ON COLUMN insiders.insiders.next_step IS 'The smallest change that would make the customer fulfil the rule of the first segment; null for its members, for who fulfils it, and where no purchase would do.';
COMMENT ON COLUMN insiders.insiders.next_step_pieces IS 'Pieces of the purchase that next_step begins with; null as next_step.';
COMMENT ON COLUMN insiders.insiders.next_step_spend IS 'What they cost at the mean price that the customer paid so far, in the shop''s currency; null as next_step.';
COMMENT ON COLUMN insiders.insiders.keep IS 'What keeps a member of the first segment in it who has at most 30 days left by its rule; else null.';

CREATE OR REPLACE VIEW insiders.segments AS
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
    r.as_of,
    p.rule,
    p.rule_precision,
    p.rule_recall,
    p.rule_coverage,
    p.rule_f1,
    p.rule_conditions
FROM insiders.segment_profiles p
JOIN insiders.runs r ON r.run_id = p.run_id
WHERE p.run_id = (SELECT v.run_id FROM insiders.visible_run v)
ORDER BY p.label;

COMMENT ON COLUMN insiders.segments.rule IS 'What one must do to be in the segment, in the features'' own units; found when the model was fitted.';
COMMENT ON COLUMN insiders.segments.rule_precision IS 'Share of the customers whom the rule names that are in the segment, when the run was made.';
COMMENT ON COLUMN insiders.segments.rule_recall IS 'Share of the segment''s customers whom the rule names, when the run was made.';
COMMENT ON COLUMN insiders.segments.rule_coverage IS 'Share of all customers whom the rule names, when the run was made.';
COMMENT ON COLUMN insiders.segments.rule_f1 IS 'Harmonic mean of rule_precision and rule_recall.';
COMMENT ON COLUMN insiders.segments.rule_conditions IS 'The rule as a list of alternatives, each a list of conditions: feature, at_least, below.';

CREATE VIEW insiders.next_step AS
SELECT
    s.customer_id,
    s.label,
    p.segment,
    s.next_step,
    s.next_step_pieces,
    s.next_step_spend,
    s.keep,
    s.gross_revenue,
    s.recency_days,
    s.quantity_of_products,
    s.run_id
FROM insiders.segment_members s
LEFT JOIN insiders.segment_profiles p ON p.run_id = s.run_id AND p.label = s.label
WHERE s.run_id = (SELECT v.run_id FROM insiders.visible_run v)
    AND (s.next_step IS NOT NULL OR s.keep IS NOT NULL);

COMMENT ON VIEW insiders.next_step IS 'Customers of the current run who can enter the first segment by a purchase, or have to make one to stay.';
COMMENT ON COLUMN insiders.next_step.customer_id IS 'The customer''s id as the shop writes it.';
COMMENT ON COLUMN insiders.next_step.label IS 'Segment number now.';
COMMENT ON COLUMN insiders.next_step.segment IS 'Segment name now.';
COMMENT ON COLUMN insiders.next_step.next_step IS 'The smallest change that would make the customer fulfil the rule of the first segment; null for its members.';
COMMENT ON COLUMN insiders.next_step.next_step_pieces IS 'Pieces of the purchase that next_step begins with; null for members.';
COMMENT ON COLUMN insiders.next_step.next_step_spend IS 'What they cost at the mean price that the customer paid so far, in the shop''s currency; null for members.';
COMMENT ON COLUMN insiders.next_step.keep IS 'What keeps a member in the first segment; null for the others.';
COMMENT ON COLUMN insiders.next_step.gross_revenue IS 'Sum of price times quantity over purchases, in the shop''s currency.';
COMMENT ON COLUMN insiders.next_step.recency_days IS 'Whole days from the last purchase to the run''s moment.';
COMMENT ON COLUMN insiders.next_step.quantity_of_products IS 'Units bought.';
COMMENT ON COLUMN insiders.next_step.run_id IS 'The run that the row is from: the same in every row.';

DO $body$
BEGIN
    IF to_regrole('insiders_reader') IS NOT NULL THEN
        PERFORM insiders.grant_reader('insiders_reader');
    END IF;
END $body$;
