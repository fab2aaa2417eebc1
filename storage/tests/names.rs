//! Queries of strangers cannot make field names without end. Alone in its process, since the cap is the process's.

use fansipan_storage::query::parse;

#[test]
fn new_field_names_are_capped() {
    let mut refused = None;
    for n in 0..10_200 {
        if let Err(e) = parse(&format!("cap.test.{n}:x")) {
            refused = Some((n, e));
            break;
        }
    }
    let (n, e) = refused.expect("a cap");
    assert!(n > 9_000 && e.to_string().contains("no more new field names"), "{n}: {e}");
    assert!(parse("cap.test.1:x and source.ip:10.0.0.1").is_ok(), "known names go on working");
}
