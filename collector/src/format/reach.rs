//! Which fields the records of a format can fill: what cannot be filled need not be looked for before a constant is written.

use fansipan_model::FieldId;

use super::convert::{Conv, Target};

/// A set of registered fields. Fields that are not registered are always in it.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Keys that are kept as they are can be any field.
    all: bool,
    bits: Box<[u64]>,
}

impl Reach {
    pub(super) fn new(all: bool) -> Self {
        Self { all, bits: vec![0; FieldId::STATIC_COUNT as usize / 64 + 1].into() }
    }

    fn add(&mut self, field: FieldId) {
        if let Some(word) = self.bits.get_mut(field.index() / 64).filter(|_| field.is_static()) {
            *word |= 1 << (field.index() % 64);
        }
    }

    /// Whether a record can give this field a value.
    pub(crate) fn may(&self, field: FieldId) -> bool {
        self.all || !field.is_static() || self.bits.get(field.index() / 64).is_some_and(|word| word >> (field.index() % 64) & 1 == 1)
    }

    /// Adds every field that a target can fill.
    pub(super) fn add_target(&mut self, target: &Target) {
        self.add(target.field);
        match &target.conv {
            Conv::Ip { address, domain } => [*address, *domain].into_iter().flatten().for_each(|f| self.add(f)),
            Conv::Ether { source, destination } => [*source, *destination].into_iter().for_each(|f| self.add(f)),
            Conv::IpPort { port, address } => [*port, *address].into_iter().for_each(|f| self.add(f)),
            Conv::Account { domain } => self.add(*domain),
            Conv::Url(u) => [u.scheme, u.domain, u.port, u.path, u.query, u.extension].into_iter().for_each(|f| self.add(f)),
            Conv::Path { name, directory, extension } => [*name, *directory, *extension].into_iter().for_each(|f| self.add(f)),
            Conv::Executable { name } => self.add(*name),
            Conv::Hash { md5, sha1, sha256 } => [*md5, *sha1, *sha256].into_iter().for_each(|f| self.add(f)),
            Conv::Known(inner) | Conv::After(_, inner) => self.add_target(inner),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use fansipan_model::{FieldId, fields};

    use super::Reach;

    #[test]
    fn fields_that_are_not_registered_are_always_in_it() {
        let mut reach = Reach::new(false);
        reach.add(fields::USER_ID);
        assert!(reach.may(fields::USER_ID) && !reach.may(fields::SOURCE_IP));
        // the numbers behind the last registered one share its word
        for n in 0..130 {
            let field = FieldId::intern(&format!("reach.test.{n}")).unwrap();
            assert!(!field.is_static() && reach.may(field), "{}", field.index());
        }
    }
}
