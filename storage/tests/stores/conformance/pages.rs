//! Paging: every event exactly once, newest first, whatever the ties; totals; groups over many events.

use fansipan_model::{Op, Pattern, Predicate, Value, fields};
use fansipan_storage::{AggregateRequest, Cell, GroupBy, Measure, MeasureKind, TimeRange, Total};

use super::{Bench, DAY, NOON, SECOND, event, everything, field, search};

/// Pages through `events` events of which thousands share an instant, over several days and commits.
pub(crate) fn through(bench: &dyn Bench, events: u64) {
    let (store, mut writer) = bench.open();
    for n in 0..events {
        let mut e = event(n, NOON + (n / 3000) as i64 * SECOND);
        e.set_ingested(NOON + (n * 3 / events) as i64 * DAY);
        e.push(fields::SOURCE_PORT, Value::Int(n as i64 % 7));
        e.push_named("vendor.parity", Value::Str(if n % 2 == 0 { "even" } else { "odd" }));
        writer.add(n, &e).unwrap();
        if n % 17_000 == 0 {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    let odd = Predicate::test(field("vendor.parity"), Op::Like(Pattern::exact("odd")));
    let both = [Total::Bounded, Total::Skip].map(|total| [(Predicate::True, events, 1, total), (odd.clone(), events / 2, 2, total)]);
    for (filter, want, step, total) in both.into_iter().flatten() {
        let mut request = search(filter, 10_000);
        request.total = total;
        let mut seen = 0u64;
        let mut last = None;
        loop {
            let page = store.search(&everything(), &request).unwrap();
            if page.total_exact {
                assert_eq!(page.total, want);
            }
            for e in &page.events {
                let key = (e.timestamp(), e.id());
                assert!(last.is_none_or(|l| key < l), "order breaks at {seen}");
                assert_eq!(e.id(), super::id(events - 1 - seen * step));
                last = Some(key);
                seen += 1;
            }
            request.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(seen, want);
    }
    let measures = vec![Measure { name: "count".into(), kind: MeasureKind::Count }];
    let by = vec![GroupBy::Field(fields::SOURCE_PORT), GroupBy::Time(3600 * SECOND)];
    let request = AggregateRequest { filter: Predicate::True, range: TimeRange::ALL, by, measures, max_groups: 1000 };
    let table = store.aggregate(&everything(), &request).unwrap();
    assert_eq!(table.columns, ["source.port", "_time", "count"]);
    let total: i64 = table.rows.iter().map(|r| if let Some(Cell::Int(n)) = r.last() { *n } else { 0 }).sum();
    assert_eq!((total as u64, table.rows.len()), (events, 7));
    let histogram = store.histogram(&everything(), &Predicate::True, TimeRange { from: NOON, to: NOON + 3600 * SECOND }, 60).unwrap();
    assert_eq!(histogram.interval, 60 * SECOND);
    assert_eq!(histogram.buckets.len(), 60);
    assert_eq!(histogram.buckets.iter().map(|b| b.1).sum::<u64>(), events);
    let facets = store.facets(&everything(), &Predicate::True, TimeRange::ALL, &[fields::SOURCE_PORT, field("vendor.parity")], 3).unwrap();
    assert_eq!(facets.iter().map(|f| f.values.len()).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(store.get(&everything(), super::id(events / 2)).unwrap().map(|e| e.id()), Some(super::id(events / 2)));
    assert!(store.get(&everything(), super::id(events + 5)).unwrap().is_none());
}
