-- Runs, their members and profiles, and the pointer to the run that readers see.
--
-- A migration is never edited once it was applied anywhere: its SHA-256 is recorded and
-- checked. Add the next number instead.

COMMENT ON SCHEMA insiders IS
    'Customer segments. Read the views (insiders.insiders, insiders.segments, insiders.history); the tables behind them belong to the publisher.';

CREATE TABLE insiders.runs (
    run_id          text COLLATE "C" NOT NULL CHECK (run_id ~ '^[0-9a-f]{20}$'),
    as_of           timestamp NOT NULL,
    source          text NOT NULL,
    model_version   text NOT NULL,
    customers       bigint NOT NULL CHECK (customers > 0),
    row_digest      text NOT NULL,
    segments_sha256 text NOT NULL,
    previous_run_id text COLLATE "C",
    published_at    timestamptz NOT NULL DEFAULT now(),
    retired_at      timestamptz,
    manifest        jsonb NOT NULL,
    PRIMARY KEY (run_id)
);

CREATE INDEX runs_as_of ON insiders.runs (as_of, published_at);

COMMENT ON TABLE insiders.runs IS 'Every run that was published and is kept.';
COMMENT ON COLUMN insiders.runs.run_id IS 'Derives from what the run computes: the same work has the same id.';
COMMENT ON COLUMN insiders.runs.as_of IS 'The run''s moment, in the shop''s own time: recency counts back from it.';
COMMENT ON COLUMN insiders.runs.source IS 'The sales export that the run read.';
COMMENT ON COLUMN insiders.runs.model_version IS 'The model that placed the customers.';
COMMENT ON COLUMN insiders.runs.customers IS 'Rows of the run in segment_members.';
COMMENT ON COLUMN insiders.runs.row_digest IS 'Digest of those rows, independent of their order: the sum, modulo 2^64, of each half of the first 128 bits of every row''s SHA-256, in hexadecimal.';
COMMENT ON COLUMN insiders.runs.segments_sha256 IS 'SHA-256 of the segments.parquet that the rows came from.';
COMMENT ON COLUMN insiders.runs.previous_run_id IS 'The run that was current when this one was published; it may have been dropped since.';
COMMENT ON COLUMN insiders.runs.published_at IS 'When the rows became visible.';
COMMENT ON COLUMN insiders.runs.retired_at IS 'When retention began to drop the run; its rows may be gone already.';
COMMENT ON COLUMN insiders.runs.manifest IS 'The run''s manifest.json as it was when the run was published.';

-- One partition a run. No index here: a partition brings its own, and attaching one must
-- not build anything.
CREATE TABLE insiders.segment_members (
    run_id               text COLLATE "C" NOT NULL,
    customer_id          text COLLATE "C" NOT NULL,
    is_guest             boolean NOT NULL,
    gross_revenue        double precision NOT NULL,
    recency_days         bigint NOT NULL,
    quantity_of_products bigint NOT NULL,
    returns              bigint NOT NULL,
    frequency            double precision NOT NULL,
    embedding_x          double precision NOT NULL,
    embedding_y          double precision NOT NULL,
    label                integer NOT NULL
) PARTITION BY LIST (run_id);

COMMENT ON TABLE insiders.segment_members IS 'Every customer of every kept run; one partition a run.';
COMMENT ON COLUMN insiders.segment_members.run_id IS 'The run.';
COMMENT ON COLUMN insiders.segment_members.customer_id IS 'The customer''s id as the shop writes it; compared byte by byte.';
COMMENT ON COLUMN insiders.segment_members.is_guest IS 'An invoice without a customer id, counted as a customer of its own.';
COMMENT ON COLUMN insiders.segment_members.gross_revenue IS 'Sum of price times quantity over purchases, in the shop''s currency.';
COMMENT ON COLUMN insiders.segment_members.recency_days IS 'Whole days from the last purchase to the run''s moment.';
COMMENT ON COLUMN insiders.segment_members.quantity_of_products IS 'Units bought.';
COMMENT ON COLUMN insiders.segment_members.returns IS 'Distinct invoices with a return.';
COMMENT ON COLUMN insiders.segment_members.frequency IS 'Distinct purchase invoices a day between the first and the last purchase; 0 where that is less than a day.';
COMMENT ON COLUMN insiders.segment_members.embedding_x IS 'First coordinate in the embedding.';
COMMENT ON COLUMN insiders.segment_members.embedding_y IS 'Second coordinate in the embedding.';
COMMENT ON COLUMN insiders.segment_members.label IS 'Segment number; segment_profiles has its name.';

CREATE TABLE insiders.segment_profiles (
    run_id        text COLLATE "C" NOT NULL REFERENCES insiders.runs ON DELETE CASCADE,
    label         integer NOT NULL CHECK (label >= 0),
    segment       text NOT NULL,
    customers     bigint NOT NULL CHECK (customers >= 0),
    share         double precision NOT NULL,
    gross_revenue double precision NOT NULL,
    frequency     double precision NOT NULL,
    returns       double precision NOT NULL,
    recency_days  double precision NOT NULL,
    revenue_share double precision NOT NULL,
    PRIMARY KEY (run_id, label)
);

COMMENT ON TABLE insiders.segment_profiles IS 'What the customers of a segment are like, per run.';
COMMENT ON COLUMN insiders.segment_profiles.run_id IS 'The run.';
COMMENT ON COLUMN insiders.segment_profiles.label IS 'Segment number; 0 had the highest mean revenue when the model was fitted.';
COMMENT ON COLUMN insiders.segment_profiles.segment IS 'The segment''s name.';
COMMENT ON COLUMN insiders.segment_profiles.customers IS 'Customers in the segment.';
COMMENT ON COLUMN insiders.segment_profiles.share IS 'Share of all customers, 0 to 1.';
COMMENT ON COLUMN insiders.segment_profiles.gross_revenue IS 'Mean gross revenue of a customer.';
COMMENT ON COLUMN insiders.segment_profiles.frequency IS 'Mean frequency.';
COMMENT ON COLUMN insiders.segment_profiles.returns IS 'Mean number of return invoices.';
COMMENT ON COLUMN insiders.segment_profiles.recency_days IS 'Mean days since the last purchase.';
COMMENT ON COLUMN insiders.segment_profiles.revenue_share IS 'Share of all revenue, 0 to 1.';

CREATE TABLE insiders.pointer_history (
    move_id    bigint GENERATED ALWAYS AS IDENTITY,
    from_run_id text COLLATE "C",
    from_as_of timestamp,
    to_run_id  text COLLATE "C" NOT NULL,
    to_as_of   timestamp NOT NULL,
    forced     boolean NOT NULL,
    moved_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    moved_by   text NOT NULL DEFAULT session_user,
    PRIMARY KEY (move_id)
);

COMMENT ON TABLE insiders.pointer_history IS 'Every move of the pointer to the current run, oldest first; never edited.';
COMMENT ON COLUMN insiders.pointer_history.move_id IS 'Order of the moves; numbers may be missing.';
COMMENT ON COLUMN insiders.pointer_history.from_run_id IS 'The run that was current before; null for the first.';
COMMENT ON COLUMN insiders.pointer_history.from_as_of IS 'Its moment.';
COMMENT ON COLUMN insiders.pointer_history.to_run_id IS 'The run that became current.';
COMMENT ON COLUMN insiders.pointer_history.to_as_of IS 'Its moment.';
COMMENT ON COLUMN insiders.pointer_history.forced IS 'Whether an older moment than the current one was asked for with force_publish.';
COMMENT ON COLUMN insiders.pointer_history.moved_at IS 'When.';
COMMENT ON COLUMN insiders.pointer_history.moved_by IS 'The role that moved it.';

CREATE TABLE insiders.current_run (
    only_row boolean NOT NULL DEFAULT true CHECK (only_row),
    run_id   text COLLATE "C" NOT NULL REFERENCES insiders.runs,
    move_id  bigint NOT NULL REFERENCES insiders.pointer_history,
    PRIMARY KEY (only_row)
);

COMMENT ON TABLE insiders.current_run IS 'One row: the run that readers see.';
COMMENT ON COLUMN insiders.current_run.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN insiders.current_run.run_id IS 'The run.';
COMMENT ON COLUMN insiders.current_run.move_id IS 'The move that made it current: the last of pointer_history.';
