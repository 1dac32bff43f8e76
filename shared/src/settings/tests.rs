//! Settings as people write them.

use super::*;

fn error(text: &str) -> String {
    Settings::parse(text, "insiders.toml")
        .unwrap_err()
        .to_string()
}

#[test]
fn an_empty_file_is_the_default_profile() {
    assert_eq!(Settings::parse("", "t").unwrap(), Settings::default());
}

#[test]
fn keys_are_laid_over_the_profile_that_is_named() {
    let text = "profile = 'notebook'\n[clustering]\nk = 5\n[cleaning]\nmin_unit_price = 0.1\n[source]\ncolumns = { country = 'Land' }";
    let settings = Settings::parse(text, "t").unwrap();
    assert_eq!(settings.cleaning.guests, Guests::Sequential);
    assert_eq!(settings.embedding.metric, Metric::Euclidean);
    assert_eq!(settings.clustering.k, 5);
    assert_eq!(settings.cleaning.min_unit_price, "0.1".parse().unwrap());
    assert_eq!(settings.source.columns.country, "Land");
    assert_eq!(settings.source.columns.quantity, "Quantity");
}

#[test]
fn wrong_settings_are_named() {
    assert!(error("[clustering]\nkk = 3").contains("kk"));
    assert!(error("[cluster]\nk = 3").contains("cluster"));
    assert!(error("[gates]\nmax_psi = -0.1").contains("gates.max_psi"));
    assert!(error("[rfm]\ncuts = 1").contains("rfm.cuts"));
    assert!(error("[rfm]\ncut = 5").contains("cut"));
    assert!(error("[rfm]\nrecency_days = [30, 90]").contains("4 ascending"));
    assert!(error("[rfm]\ncuts = 3\npurchases = [2.0, 2.0]").contains("rfm.purchases"));
    assert!(error("[value]\nhorizon_days = 0").contains("value.horizon_days"));
    assert!(error("[value]\ndiscount_rate = nan").contains("value.discount_rate"));
    assert!(error("profile = 'fast'").contains("fast"));
    assert!(error("[clustering]\nk = 1").contains("clustering.k"));
    assert!(error("[source]\ndelimiter = '€'").contains("source.delimiter"));
    assert!(error("[cleaning]\nexcluded_stock_codes = '('").contains("excluded_stock_codes"));
    assert!(error("[cleaning]\nmin_unit_price = 'cheap'").contains("cheap"));
    assert!(error("[source]\nhistory = 'all'").contains("all"));
    assert!(error("[source]\nwindow_days = 0").contains("source.window_days"));
    assert!(error("k = ").starts_with("insiders.toml: "));
}
