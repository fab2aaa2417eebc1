//! Which log sources an event belongs to. Their conditions look at few fields and compare them with few words, so the answer
//! depends on little; it is remembered under exactly that, and the conditions themselves are evaluated only for what is new.

use fansipan_model::{Event, FieldId, Op, Pattern, Predicate, Target, Value};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{
    cache::hash,
    view::{NONE, Slot, Slots, View},
};

/// Answers remembered; a stranger's odd records cannot fill more.
const MAX_ROUTES: usize = 4096;
/// Values remembered per field, and their length.
const MAX_VALUES: usize = 1024;
const MAX_TEXT: usize = 128;
/// Places for whole events, and bytes of what their routing fields hold.
const PLACES: usize = 256;
const MAX_TOLD: usize = 240;

/// A field that conditions look at.
#[derive(Debug)]
struct RouteField {
    slot: Slot,
    /// What values are compared with; empty where only presence matters.
    patterns: Vec<Pattern>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Router {
    conditions: Vec<Predicate>,
    fields: Vec<RouteField>,
}

/// What all values of the routing fields come to: for each field present its number and the meaning of its value.
type Key = SmallVec<[u32; 24]>;

/// An event's answer under everything its routing fields hold.
#[derive(Clone, Debug)]
struct Place {
    len: u32,
    route: u32,
    told: [u8; MAX_TOLD],
}

/// What was found out so far.
#[derive(Debug, Default)]
pub(crate) struct RouteCache {
    places: Vec<Place>,
    told: Vec<u8>,
    /// By field: text → meaning.
    values: Vec<HashMap<Box<str>, u32, foldhash::fast::RandomState>>,
    /// Matched patterns → meaning, the same number for the same patterns.
    meanings: HashMap<Box<[u32]>, u32, foldhash::fast::RandomState>,
    routes: HashMap<Key, u32, foldhash::fast::RandomState>,
    classes: Vec<Box<[u32]>>,
    /// The answer for an event that is not remembered.
    once: Vec<u32>,
    key: Key,
}

/// The log sources of an event, by number.
pub(crate) enum Route {
    Known(u32),
    Once,
}

impl Route {
    pub(crate) fn classes<'c>(&self, cache: &'c RouteCache) -> &'c [u32] {
        match self {
            Route::Known(i) => cache.classes.get(*i as usize).map_or(&[], |c| &**c),
            Route::Once => &cache.once,
        }
    }
}

impl Router {
    pub(crate) fn new<'p>(conditions: impl Iterator<Item = &'p Predicate>, slots: &mut Slots) -> Router {
        let mut router = Router::default();
        for condition in conditions {
            router.learn(condition, slots);
            router.conditions.push(condition.clone());
        }
        for field in &mut router.fields {
            field.patterns.sort();
            field.patterns.dedup();
        }
        router
    }

    fn learn(&mut self, condition: &Predicate, slots: &mut Slots) {
        match condition {
            Predicate::True | Predicate::False => {}
            Predicate::And(list) | Predicate::Or(list) => list.iter().for_each(|p| self.learn(p, slots)),
            Predicate::Not(inner) => self.learn(inner, slots),
            Predicate::Test(test) => {
                let Target::Field(candidates) = &test.target else { return };
                for &field in candidates {
                    let no = self.field(field, slots);
                    // conditions come from the taxonomy, which knows presence and patterns only
                    if let (Op::Like(pattern), Some(field)) = (&test.op, self.fields.get_mut(no)) {
                        field.patterns.push(pattern.clone());
                    }
                }
            }
        }
    }

    fn field(&mut self, field: FieldId, slots: &mut Slots) -> usize {
        let slot = slots.slot(field);
        self.fields.iter().position(|f| f.slot == slot).unwrap_or_else(|| {
            self.fields.push(RouteField { slot, patterns: Vec::new() });
            self.fields.len() - 1
        })
    }

    /// The log sources of an event.
    pub(crate) fn route(&self, view: &mut View<'_, '_>, cache: &mut RouteCache) -> Route {
        self.tell(view, &mut cache.told);
        let told = cache.told.as_slice();
        if told.len() > MAX_TOLD {
            return self.look(view, cache);
        }
        let spot = (hash(0, told) >> (64 - PLACES.trailing_zeros())) as usize;
        if let Some(place) = cache.places.get(spot)
            && place.told.get(..place.len as usize) == Some(told)
        {
            return Route::Known(place.route);
        }
        let route = self.look(view, cache);
        if let Route::Known(route) = route {
            if cache.places.is_empty() {
                // no event tells nothing at all: its length alone sets an empty place apart
                cache.places = vec![Place { len: u32::MAX, route: 0, told: [0; MAX_TOLD] }; PLACES];
            }
            let len = cache.told.len();
            if let Some(place) = cache.places.get_mut(spot)
                && let Some(bytes) = place.told.get_mut(..len)
            {
                bytes.copy_from_slice(&cache.told);
                (place.len, place.route) = (len as u32, route);
            }
        }
        route
    }

    /// Writes down everything the answer depends on.
    fn tell(&self, view: &View<'_, '_>, told: &mut Vec<u8>) {
        told.clear();
        for (no, field) in (0u32..).zip(&self.fields) {
            let mut number = view.first(field.slot);
            while number != NONE {
                // no byte of text is 0xf8 or above, so numbers and texts cannot run into each other
                told.extend_from_slice(&[0xff, no as u8, (no >> 8) as u8]);
                match view.text(number) {
                    _ if view.is_null(number) => told.push(0xfe),
                    _ if field.patterns.is_empty() => {}
                    Some(text) => told.extend_from_slice(text.as_bytes()),
                    None => told.extend_from_slice(view.value(number).and_then(Value::text).unwrap_or_default().as_bytes()),
                }
                number = view.next(number);
            }
        }
    }

    /// The answer by what each value means.
    fn look(&self, view: &mut View<'_, '_>, cache: &mut RouteCache) -> Route {
        if cache.values.len() < self.fields.len() {
            cache.values.resize_with(self.fields.len(), HashMap::default);
        }
        cache.key.clear();
        let mut sure = true;
        for (no, field) in (0u32..).zip(&self.fields) {
            let mut number = view.first(field.slot);
            if number != NONE {
                cache.key.push(no << 24);
            }
            while let Some(value) = view.value(number).filter(|_| number != NONE) {
                match meaning(no, field, value, cache) {
                    Some(meaning) => cache.key.push(no << 24 | (meaning + 1)),
                    None => sure = false,
                }
                number = view.next(number);
            }
        }
        if !sure {
            self.evaluate(view.event, &mut cache.once);
            return Route::Once;
        }
        if let Some(&known) = cache.routes.get(&cache.key) {
            return Route::Known(known);
        }
        self.evaluate(view.event, &mut cache.once);
        if cache.routes.len() >= MAX_ROUTES {
            return Route::Once;
        }
        let id = cache.classes.len() as u32;
        cache.classes.push(cache.once.as_slice().into());
        cache.routes.insert(cache.key.clone(), id);
        Route::Known(id)
    }

    fn evaluate(&self, event: &Event, out: &mut Vec<u32>) {
        out.clear();
        out.extend((0u32..).zip(&self.conditions).filter(|(_, c)| c.matches(event)).map(|(i, _)| i));
    }
}

/// Which of the field's patterns a value matches, as a number; 0 for null. `None`: not remembered.
fn meaning(no: u32, field: &RouteField, value: Value<'_>, cache: &mut RouteCache) -> Option<u32> {
    let owned;
    let text = match value {
        Value::Null => return Some(0),
        _ if field.patterns.is_empty() => return Some(1),
        Value::Str(s) => s,
        other => {
            owned = other.text()?;
            &*owned
        }
    };
    let known = cache.values.get_mut(no as usize)?;
    if let Some(&meaning) = known.get(text) {
        return Some(meaning);
    }
    if text.len() > MAX_TEXT || known.len() >= MAX_VALUES || cache.meanings.len() >= MAX_ROUTES {
        return None;
    }
    let matched: Box<[u32]> =
        std::iter::once(no).chain((0u32..).zip(&field.patterns).filter(|(_, p)| p.matches(text)).map(|(i, _)| i)).collect();
    let next = cache.meanings.len() as u32 + 2;
    let meaning = *cache.meanings.entry(matched).or_insert(next);
    known.insert(text.into(), meaning);
    Some(meaning)
}
