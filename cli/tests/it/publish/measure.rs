//! Figures: `cargo test --release -p insiders --test it -- --ignored million --nocapture`.

use std::time::Instant;

use super::fixture::{Fixture, Run};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_million_customers() {
    let fixture = Fixture::new("million").await;
    for number in 1..=3 {
        let run = Run::new(number, 1_000_000);
        let start = Instant::now();
        let outcome = fixture.publish(&run).await.unwrap();
        println!(
            "{:.2} s: {:?}",
            start.elapsed().as_secs_f64(),
            outcome.steps
        );
    }
    let size = "SELECT pg_size_pretty(sum(pg_total_relation_size(c.oid)) / 3) FROM pg_class c \
                WHERE relispartition AND relkind = 'r' AND relname LIKE 'segment\\_members%'";
    println!("{} a run", fixture.ask(size).await);
}
