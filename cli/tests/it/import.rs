//! `insiders models import`, through the binary.

use crate::parts::insiders;

#[test]
fn a_folder_that_was_not_exported_is_refused_by_the_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (folder, data) = (dir.path().to_str().unwrap(), data.to_str().unwrap());
    let output = insiders(&["models", "import", folder, "--dir", data]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("import.json"), "{error}");
    assert!(!dir.path().join("data").exists(), "nothing is left behind");
}
