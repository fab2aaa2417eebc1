//! A list of which a window of pages is held: a queue of a million rows costs no more than one of a thousand.

use std::collections::VecDeque;

use crate::{data::Page, message::At};

/// Pages held at once.
const HELD: usize = 8;
/// Rows before an end of the window at which the next page is asked for.
const NEAR: usize = 40;

/// A window over a list that the appliance pages through by cursors.
#[derive(Clone, Debug)]
pub struct Pages<T> {
    /// Grows with each fresh list; answers to older ones are ignored.
    pub serial: u64,
    /// Rows of the pages held.
    pub rows: VecDeque<T>,
    /// The row in hand.
    pub selected: usize,
    /// Rows on all pages.
    pub total: u64,
    /// Whether `total` is exact.
    pub exact: bool,
    /// What is being asked for.
    pub asking: Option<At>,
    /// Whether the first answer came.
    pub known: bool,
    /// Rows of each page held.
    lengths: VecDeque<usize>,
    /// Rows of each page before those held.
    passed: Vec<usize>,
    /// What to ask with for each page up to the one after those held; the first is asked for without.
    cursors: Vec<Option<String>>,
    /// Whether a page follows those held.
    more: bool,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            serial: 0,
            rows: VecDeque::new(),
            selected: 0,
            total: 0,
            exact: true,
            asking: None,
            known: false,
            lengths: VecDeque::new(),
            passed: Vec::new(),
            cursors: vec![None],
            more: false,
        }
    }
}

impl<T> Pages<T> {
    /// The list is asked for anew; what is shown stays until the answer comes.
    pub fn fresh(&mut self) -> u64 {
        self.serial += 1;
        self.asking = Some(At::Top);
        self.serial
    }

    /// Nothing is shown any longer.
    pub fn clear(&mut self) {
        *self = Self { serial: self.serial, ..Self::default() };
    }

    /// The row in hand.
    pub fn current(&self) -> Option<&T> {
        self.rows.get(self.selected)
    }

    /// Whether the window begins with the first row.
    pub fn at_top(&self) -> bool {
        self.passed.is_empty()
    }

    /// Place of the row in hand among all, from 1.
    pub fn place(&self) -> u64 {
        (self.passed.iter().sum::<usize>() + self.selected + 1) as u64
    }

    /// Moves the hand.
    pub fn go(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// The page that should be asked for because the hand is near an end of the window, and its cursor.
    pub fn wanted(&mut self) -> Option<(At, Option<String>)> {
        if self.asking.is_some() || !self.known {
            return None;
        }
        let (at, number) = if self.more && self.selected + NEAR >= self.rows.len() {
            (At::After, self.passed.len() + self.lengths.len())
        } else if !self.at_top() && self.selected < NEAR {
            (At::Before, self.passed.len() - 1)
        } else {
            return None;
        };
        self.asking = Some(at);
        Some((at, self.cursors.get(number).cloned().flatten()))
    }

    /// Takes a page. `same`: whether a row is the one that was in hand.
    pub fn take(&mut self, at: At, page: Page<T>, same: impl Fn(&T, &T) -> bool) {
        self.asking = None;
        (self.total, self.exact, self.known) = (page.total, page.total_exact, true);
        let count = page.items.len();
        match at {
            At::Top => {
                let held = self.rows.remove(self.selected);
                let selected = self.selected;
                self.rows = page.items.into();
                self.lengths = [count].into();
                self.passed.clear();
                self.cursors = vec![None, page.next.clone()];
                self.more = page.next.is_some();
                let found = held.and_then(|held| self.rows.iter().position(|row| same(row, &held)));
                self.selected = found.unwrap_or(selected);
            }
            At::After => {
                self.rows.extend(page.items);
                self.lengths.push_back(count);
                self.cursors.push(page.next.clone());
                self.more = page.next.is_some();
                while self.lengths.len() > HELD {
                    let gone = self.lengths.pop_front().unwrap_or(0);
                    self.rows.drain(..gone.min(self.rows.len()));
                    self.selected = self.selected.saturating_sub(gone);
                    self.passed.push(gone);
                }
            }
            At::Before => {
                self.passed.pop();
                for row in page.items.into_iter().rev() {
                    self.rows.push_front(row);
                }
                self.lengths.push_front(count);
                self.selected += count;
                while self.lengths.len() > HELD {
                    let gone = self.lengths.pop_back().unwrap_or(0);
                    self.rows.truncate(self.rows.len().saturating_sub(gone));
                    self.cursors.pop();
                    self.more = true;
                }
            }
        }
        self.go(0);
    }

    /// A row that came by itself, in its place.
    pub fn insert(&mut self, at: usize, row: T) {
        self.rows.insert(at.min(self.rows.len()), row);
        if let Some(first) = self.lengths.front_mut() {
            *first += 1;
        } else {
            self.lengths.push_back(1);
        }
        self.total += 1;
        if at <= self.selected && self.rows.len() > 1 {
            self.selected += 1;
        }
        self.go(0);
    }

    /// Takes a row out.
    pub fn remove(&mut self, at: usize) {
        if self.rows.remove(at).is_none() {
            return;
        }
        let mut before = 0;
        for length in &mut self.lengths {
            before += *length;
            if at < before {
                *length -= 1;
                break;
            }
        }
        self.total = self.total.saturating_sub(1);
        if at < self.selected {
            self.selected -= 1;
        }
        self.go(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 100;

    /// Answers whatever the list wants, from `total` numbers.
    fn serve(list: &mut Pages<usize>, total: usize) {
        while let Some((at, cursor)) = list.wanted() {
            let from: usize = cursor.map_or(0, |c| c.parse().unwrap());
            list.take(at, page(from, total), |a, b| a == b);
        }
    }

    fn page(from: usize, total: usize) -> Page<usize> {
        let to = (from + PAGE).min(total);
        Page { items: (from..to).collect(), next: (to < total).then(|| to.to_string()), total: total as u64, ..Page::default() }
    }

    #[test]
    fn a_million_rows_are_walked_through_both_ways_in_the_memory_of_a_few_pages() {
        let total = 1_000_000;
        let mut list = Pages::default();
        list.fresh();
        list.take(At::Top, page(0, total), |a, b| a == b);
        serve(&mut list, total);
        let mut at = 0;
        for by in [1, 20, 20, 20].into_iter().cycle().take(2_000).chain([-1, -20, -20, -30].into_iter().cycle().take(2_000)) {
            list.go(by);
            serve(&mut list, total);
            at = at.max(0) + by;
            let expected = at.clamp(0, total as isize - 1) as usize;
            assert_eq!(list.current(), Some(&expected));
            assert_eq!(list.place(), expected as u64 + 1);
            assert!(list.rows.len() <= HELD * PAGE + PAGE);
            at = expected as isize;
        }
        assert_eq!(list.current(), Some(&0));
        assert!(list.at_top());
    }

    #[test]
    fn the_row_in_hand_stays_in_hand() {
        let mut list = Pages::default();
        list.take(At::Top, page(0, 5), |a, b| a == b);
        list.go(2);
        list.insert(0, 99);
        assert_eq!((list.current(), list.place(), list.total), (Some(&2), 4, 6));
        list.remove(1);
        assert_eq!((list.current(), list.total), (Some(&2), 5));
        list.take(At::Top, Page { items: vec![7, 8, 9, 10, 2], total: 5, ..Page::default() }, |a, b| a == b);
        assert_eq!(list.current(), Some(&2));
        list.take(At::Top, Page { items: vec![7], total: 1, ..Page::default() }, |a, b| a == b);
        assert_eq!(list.current(), Some(&7), "what is gone leaves the hand on what took its place");
        list.remove(0);
        list.remove(0);
        assert_eq!((list.current(), list.total), (None, 0));
        list.insert(0, 3);
        assert_eq!(list.current(), Some(&3));
    }
}
