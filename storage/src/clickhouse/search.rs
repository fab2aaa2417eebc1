//! Pages of events newest first, single events, and streams of events.

use std::ops::ControlFlow;

use fansipan_model::{Event, Predicate, Scope, said};
use uuid::Uuid;

use super::{
    Shared,
    binary::Reader,
    lower,
    row::{EVENT_COLUMNS, SLOT, decode},
    sql::Condition,
};
use crate::{
    engine::packed::Unpacker,
    error::{Result, StoreError},
    events::{Cursor, Explanation, Progress, SearchPage, SearchRequest, TimeRange, Total},
    reading::Reading,
};

/// Rows read at a time while a page is looked for among rows that SQL cannot decide.
const MOST_AT_ONCE: usize = 50_000;

/// What a call asks for, of whom.
pub(crate) struct Ask<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) filter: &'a Predicate,
    pub(crate) range: TimeRange,
}

impl Ask<'_> {
    pub(crate) fn condition(&self) -> Condition {
        lower::request(self.scope, self.filter, self.range)
    }

    /// Whether the event is an answer.
    pub(crate) fn holds(&self, event: &Event) -> bool {
        self.range.contains(event.timestamp()) && self.scope.allows(event.agency()) && self.filter.matches(event)
    }
}

/// Hands over every event of a query and whether SQL is sure of it. `condition`: what makes it sure.
pub(crate) fn each_event(
    shared: &Shared,
    sure: &str,
    rest: &str,
    each: &mut dyn FnMut(&mut Event, bool) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let events = shared.names.table("events");
    // a condition over a column with nulls is of a type with nulls, which a row would say in a byte more
    let query = format!("SELECT {EVENT_COLUMNS}, toUInt8(ifNull({sure}, 0)) FROM {events} {rest}");
    let mut stream = shared.link.stream("searching", &query)?;
    let (mut unpacker, mut buffer, mut event) = (Unpacker::default(), Vec::new(), Event::default());
    let mut held: Vec<u8> = Vec::new();
    while let Some(piece) = stream.next()? {
        held.extend_from_slice(&piece);
        let mut done = 0;
        loop {
            let mut r = Reader::new(held.get(done..).unwrap_or_default());
            let row = decode(&mut r, &mut unpacker, &mut buffer, &mut event);
            let (Some(read), Some(sure)) = (row, r.u8()) else { break };
            read?;
            done += r.at();
            if each(&mut event, sure == 1)?.is_break() {
                return Ok(());
            }
        }
        held.drain(..done);
    }
    if held.is_empty() {
        return Ok(());
    }
    Err(StoreError::Damaged { what: "answer of ClickHouse", reason: format!("{} bytes too many", held.len()) })
}

fn before(cursor: &Cursor) -> Condition {
    let (high, low) = cursor.id.as_u64_pair();
    Condition::exact(format!(
        "(slot <= {} AND (toUnixTimestamp64Nano(time), id_hi, id_lo) < (toInt64({}), toUInt64({high}), toUInt64({low})))",
        cursor.timestamp.div_euclid(SLOT),
        cursor.timestamp
    ))
}

/// One page.
pub(crate) fn page(shared: &Shared, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
    let ask = Ask { scope, filter: &request.filter, range: request.range };
    let condition = ask.condition();
    let limit = request.limit.min(SearchRequest::MAX_LIMIT);
    let mut page = SearchPage { total_exact: true, ..SearchPage::default() };
    if condition.may == "0" {
        return Ok(page);
    }
    let mut reading = Reading::new(shared.config.read_limit);
    let mut after = request.after;
    let mut at_once = limit + 1;
    let more = loop {
        let part = condition.clone().and(after.as_ref().map_or(Condition::constant(true), before));
        let rest = format!("WHERE {} ORDER BY slot DESC, time DESC, id_hi DESC, id_lo DESC LIMIT {at_once}", part.may);
        let mut rows = 0;
        each_event(shared, &condition.must, &rest, &mut |event, sure| {
            rows += 1;
            after = Some(Cursor { timestamp: event.timestamp(), id: event.id() });
            if !sure {
                reading.one()?;
            }
            if sure || ask.holds(event) {
                page.events.push(event.clone());
            }
            Ok(if page.events.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if page.events.len() > limit {
            break true;
        }
        if rows < at_once {
            break false;
        }
        at_once = (at_once * 4).min(MOST_AT_ONCE.max(limit + 1));
    };
    page.events.truncate(limit);
    page.next = page.events.last().filter(|_| more).map(|e| Cursor { timestamp: e.timestamp(), id: e.id() });
    if request.total == Total::Skip {
        page.total = page.events.len() as u64 + u64::from(more);
        page.total_exact = !more && request.after.is_none();
        return Ok(page);
    }
    (page.total, page.total_exact) = total(shared, &ask, &condition, request.total)?;
    Ok(page)
}

/// How many match, and whether that is exact.
fn total(shared: &Shared, ask: &Ask<'_>, condition: &Condition, how: Total) -> Result<(u64, bool)> {
    let events = shared.names.table("events");
    let query = format!("SELECT countIf({0}), countIf(NOT {0}) FROM {events} WHERE {1}", condition.must, condition.may);
    let bytes = shared.link.rows("counting", &query)?;
    let mut r = Reader::new(&bytes);
    let (mut sure, unsure) = (r.u64().unwrap_or(0), r.u64().unwrap_or(0));
    if unsure == 0 {
        return Ok((sure, true));
    }
    if how == Total::Bounded && unsure > Total::BOUND as u64 {
        return Ok((sure, false));
    }
    let rest = format!("WHERE {} AND NOT {}", condition.may, condition.must);
    each_event(shared, "0", &rest, &mut |event, _| {
        sure += u64::from(ask.holds(event));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((sure, true))
}

/// One event by id.
pub(crate) fn by_id(shared: &Shared, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
    let (high, low) = id.as_u64_pair();
    let mut found = None;
    each_event(shared, "1", &format!("WHERE id_hi = {high} AND id_lo = {low} LIMIT 1"), &mut |event, _| {
        found = scope.allows(event.agency()).then(|| event.clone());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Every matching event, in no order.
pub(crate) fn scan(
    shared: &Shared,
    scope: &Scope,
    filter: &Predicate,
    range: TimeRange,
    each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<Progress> {
    let ask = Ask { scope, filter, range };
    let condition = ask.condition();
    let mut progress = Progress::default();
    if condition.may == "0" {
        return Ok(progress);
    }
    each_event(shared, &condition.must, &format!("WHERE {}", condition.may), &mut |event, sure| {
        progress.examined += 1;
        if !(sure || ask.holds(event)) {
            return Ok(ControlFlow::Continue(()));
        }
        progress.matched += 1;
        Ok(each(event))
    })?;
    Ok(progress)
}

/// What the server is asked, and how many rows it finds.
pub(crate) fn explain(shared: &Shared, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
    let condition = lower::request(scope, filter, range);
    let events = shared.names.table("events");
    let query = format!("SELECT countIf({}), countIf({}), count() FROM {events}", condition.may, condition.must);
    let bytes = shared.link.rows("explaining", &query)?;
    let mut r = Reader::new(&bytes);
    let (may, must, all) = (r.u64().unwrap_or(0), r.u64().unwrap_or(0), r.u64().unwrap_or(0));
    let why = match may - must.min(may) {
        0 => said!("SQL decides every row", "SQL quyết định mọi dòng"),
        n => said!(
            "SQL decides all but {n} rows, which are read and decided one by one",
            "SQL quyết định mọi dòng trừ {n} dòng phải đọc và xét từng dòng một"
        ),
    };
    Ok(vec![Explanation {
        store: "clickhouse",
        index: String::new(),
        why,
        lowered: condition.may,
        exact: may == must,
        candidates: may,
        events: all,
    }])
}
