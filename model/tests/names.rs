//! Field names are interned while every thread looks names up.

use fansipan_model::FieldId;

#[test]
fn threads_that_intern_the_same_names_agree_on_their_numbers() {
    let add = || (0..5_000).map(|n| FieldId::intern(&format!("test.threads.{n}"))).collect::<Vec<_>>();
    let seen = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(add)).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    for (n, id) in seen[0].iter().enumerate() {
        assert!(seen.iter().all(|s| s[n] == *id), "{n}");
        assert_eq!(id.map(FieldId::name), Some(format!("test.threads.{n}").as_str()));
    }
}
