//! Values at the edges: ids of any text, numbers of any kind.

use super::fixture::{Fixture, Run};

#[tokio::test]
async fn an_id_may_be_any_text() {
    let fixture = Fixture::new("ids").await;
    // Text that does not compress, longer than an entry of a B-tree.
    let mut state = 1_u64;
    let long: String = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + (state >> 33) as u8 % 90)
    })
    .take(60_000)
    .collect();
    let ids: Vec<String> = [
        "",
        " ",
        "'",
        "\"",
        "\\",
        "\\N",
        "\\.",
        "\t",
        "\n",
        "\r\n",
        "a,b",
        "$1",
        "{}",
        "00012",
        "12",
        "a",
        "A",
        "é",
        "e\u{301}",
        "客户",
        "🛍",
        "\u{feff}",
        "\u{1}",
        "'; DROP SCHEMA insiders; --",
        &long,
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    fixture.publish(&Run::of(1, ids.clone())).await.unwrap();
    let client = fixture.connect().await;
    for id in &ids {
        let sql = "SELECT count(*) FROM insiders.insiders WHERE customer_id = $1";
        let found: i64 = client.query_one(sql, &[id]).await.unwrap().get(0);
        assert_eq!(found, 1, "{id:?}");
    }
    // All but the first are in another segment in the next run, one place further on.
    let mut next = ids.clone();
    next.rotate_left(1);
    fixture.publish(&Run::of(2, next)).await.unwrap();
    for (place, id) in ids.iter().enumerate() {
        let sql = "SELECT count(*), (SELECT count(*) FROM insiders.history WHERE customer_id = $1) \
                   FROM insiders.migrations WHERE customer_id = $1";
        let row = client.query_one(sql, &[id]).await.unwrap();
        let found: (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(found, (i64::from(place > 0), 2), "{id:?}");
    }
    fixture.expect_sums().await;
    // With the long id, too, nobody is in a run twice.
    let again = fixture
        .publish(&Run::of(3, vec![long.clone(), long]))
        .await
        .unwrap_err();
    assert_eq!(again.name(), "Insiders.Corrupt", "{again}");
}

#[tokio::test]
async fn a_nul_in_an_id_is_bad_input() {
    let fixture = Fixture::new("nul").await;
    let error = fixture
        .publish(&Run::of(1, vec!["a".into(), "b\0c".into()]))
        .await
        .unwrap_err();
    assert!(
        error.is_bad_input() && error.to_string().contains("NUL"),
        "{error}"
    );
    assert_eq!(fixture.ask("SELECT count(*) FROM insiders.runs").await, "0");
}

#[tokio::test]
async fn every_bit_of_a_number_arrives() {
    let fixture = Fixture::new("bits").await;
    let mut run = Run::new(1, 6);
    let odd = vec![
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE / 3.0,
        0.1,
    ];
    run.rows.features.gross_revenue.clone_from(&odd);
    run.rows.features.recency_days = vec![i64::MIN, i64::MAX, -1, 0, 1, 2];
    let minus = fixture.publish(&run).await.unwrap().publication.row_digest;
    let client = fixture.connect().await;
    let sql = "SELECT gross_revenue FROM insiders.insiders ORDER BY customer_id";
    let stored = client.query(sql, &[]).await.unwrap();
    let stored: Vec<u64> = stored
        .iter()
        .map(|row| row.get::<_, f64>(0).to_bits())
        .collect();
    assert_eq!(
        stored,
        odd.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    );
    // 0 and -0 are equal numbers and other rows.
    run.rows.features.gross_revenue[0] = 0.0;
    run.run.segments_sha256 = "0".repeat(64);
    let plus = fixture
        .publish(&run.forced())
        .await
        .unwrap()
        .publication
        .row_digest;
    assert_ne!(minus, plus);
}

#[tokio::test]
async fn files_that_contradict_each_other_are_refused() {
    let fixture = Fixture::new("contradictions").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let run = Run::new(2, 10);
    let mut twice = run.clone();
    twice.rows.features.customer_id[3] = "c4".to_owned();
    let mut fewer = run.clone();
    fewer.run.customers = 11;
    let mut renamed = run.clone();
    renamed.rows.segment[0] = "Outsiders".to_owned();
    let mut unknown = run.clone();
    unknown.rows.label[0] = 9;
    let mut shifted = run.clone();
    shifted.run.profile.segments[0].customers += 1;
    for (wrong, word) in [
        (twice, "twice"),
        (fewer, "11"),
        (renamed, "name"),
        (unknown, "segment 9"),
        (shifted, "too many"),
    ] {
        let error = fixture.publish(&wrong).await.unwrap_err();
        assert_eq!(error.name(), "Insiders.Corrupt");
        assert!(error.to_string().contains(word), "{error}");
        assert!(
            !error.to_string().contains("c4"),
            "no row in an error: {error}"
        );
    }
    assert_eq!(fixture.ask("SELECT count(*) FROM insiders.runs").await, "1");
    fixture.publish(&run).await.unwrap();
}
