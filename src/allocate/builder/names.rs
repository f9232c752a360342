//! Languages and groups as a person names them, by their places among the fits.

use super::super::Group;
use super::error::{Ask, BuildError};
use super::{GroupRequest, ProblemBuilder};
use crate::units::Lang;

impl ProblemBuilder<'_> {
    pub(super) fn names(&self) -> Vec<&str> {
        self.fits.langs()
    }

    /// The place of a language given by its code, or by the start of it or its two letters where
    /// they are enough: `tur` or `tr` for `tur_Latn`.
    pub(super) fn place(&self, ask: Ask, lang: &str) -> Result<usize, BuildError> {
        place_of(&self.names(), lang).ok_or_else(|| BuildError::UnknownLang {
            ask,
            lang: lang.to_owned(),
            known: self.names().iter().map(|&name| name.to_owned()).collect(),
        })
    }

    /// Values by the places of their languages. Two of one language are an error, however they
    /// spell it.
    pub(super) fn placed<T: Copy>(
        &self,
        ask: Ask,
        given: &[(String, T)],
    ) -> Result<Vec<(usize, T)>, BuildError> {
        let places = given
            .iter()
            .map(|(lang, value)| Ok((self.place(ask, lang)?, *value)))
            .collect::<Result<Vec<_>, BuildError>>()?;
        if let Some((first, second)) =
            repeated(&places.iter().map(|(at, _)| at).collect::<Vec<_>>())
        {
            let lang = self.names()[places[first].0].to_owned();
            return Err(BuildError::Repeated {
                ask,
                lang,
                first: given[first].0.clone(),
                second: given[second].0.clone(),
            });
        }
        Ok(places)
    }

    pub(super) fn placed_groups(&self) -> Result<Vec<Group>, BuildError> {
        if let Some((first, _)) =
            repeated(&self.groups.iter().map(|group| &group.name).collect::<Vec<_>>())
        {
            return Err(BuildError::RepeatedGroup { name: self.groups[first].name.clone() });
        }
        let placed = |group: &GroupRequest| {
            let members = group
                .members
                .iter()
                .map(|member| self.place(Ask::Group, member))
                .collect::<Result<Vec<_>, _>>()?;
            if let Some((first, second)) = repeated(&members) {
                let lang = self.names()[members[first]].to_owned();
                let (first, second) = (group.members[first].clone(), group.members[second].clone());
                return Err(BuildError::RepeatedMember {
                    group: group.name.clone(),
                    lang,
                    first,
                    second,
                });
            }
            Ok(Group {
                name: group.name.clone(),
                members,
                rule: group.rule,
                amount: group.amount_in(self.unit),
            })
        };
        self.groups.iter().map(placed).collect()
    }
}

/// The place of a language among names, where one is meant and no other.
pub fn place_of(names: &[&str], lang: &str) -> Option<usize> {
    let two_letters = |name: &str| name.parse::<Lang>().ok().and_then(|known| known.two_letters());
    let is_meant = |name: &str| {
        name == lang || name.split('_').next() == Some(lang) || two_letters(name) == Some(lang)
    };
    let mut matching = (0..names.len()).filter(|&at| is_meant(names[at]));
    matching.next().filter(|_| matching.next().is_none())
}

/// The places of the first item that stands twice.
fn repeated<T: PartialEq>(items: &[T]) -> Option<(usize, usize)> {
    (0..items.len())
        .find_map(|at| Some((items[..at].iter().position(|item| *item == items[at])?, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_meant_by_as_much_of_their_code_as_is_enough() {
        let names = ["tur_Latn", "zho_Hans", "zho_Hant"];
        assert_eq!(
            (place_of(&names, "tr"), place_of(&names, "tur"), place_of(&names, "zho_Hant")),
            (Some(0), Some(0), Some(2))
        );
        // two scripts of one language: the start of the code says too little
        assert_eq!(
            (place_of(&names, "zh"), place_of(&names, "zho"), place_of(&names, "swh")),
            (None, None, None)
        );
        assert_eq!((repeated(&[1, 2, 1]), repeated(&[1, 2, 3])), (Some((0, 2)), None));
    }
}
