use std::sync::Arc;

use super::Action;
use crate::{Flag, FlagList};

/// The flags of one message: five bits, and keywords. `\Recent` belongs to sessions and is none of them.
///
/// ```
/// use mail46_imap_core::{Flag, store::{Action, Flags}};
/// let mut flags = Flags::default();
/// flags.change(Action::Add, &[Flag::Seen, Flag::keyword("Junk").unwrap()].into_iter().collect());
/// assert!(flags.contains(&Flag::keyword("junk").unwrap()));
/// flags.change(Action::Remove, &[Flag::<&[u8]>::Seen].into_iter().collect());
/// assert_eq!(flags.list().to_string(), "Junk");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    system: u8,
    /// Ascending, whatever the case.
    keywords: Vec<Arc<str>>,
}

const SYSTEM: [Flag<&[u8]>; 5] = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];

fn bit<B: AsRef<[u8]>>(flag: &Flag<B>) -> Option<u8> {
    Some(match flag {
        Flag::Answered => 1,
        Flag::Flagged => 2,
        Flag::Deleted => 4,
        Flag::Seen => 8,
        Flag::Draft => 16,
        _ => return None,
    })
}

impl Flags {
    /// Whether it is one of them.
    pub fn contains<B: AsRef<[u8]>>(&self, flag: &Flag<B>) -> bool {
        match (bit(flag), flag) {
            (Some(bit), _) => self.system & bit != 0,
            (None, Flag::Keyword(word)) => self.find(word.as_bytes()).is_ok(),
            _ => false,
        }
    }

    /// Adds one. Those that no client may set are passed over.
    pub fn insert<B: AsRef<[u8]>>(&mut self, flag: &Flag<B>) {
        if let Some(bit) = bit(flag) {
            self.system |= bit;
        } else if let Flag::Keyword(word) = flag
            && let Err(at) = self.find(word.as_bytes())
            && let Ok(word) = std::str::from_utf8(word.as_bytes())
        {
            self.keywords.insert(at, word.into());
        }
    }

    /// What STORE does.
    pub fn change(&mut self, action: Action, with: &Self) {
        match action {
            Action::Replace => self.clone_from(with),
            Action::Add => {
                self.system |= with.system;
                for keyword in &with.keywords {
                    if let Err(at) = self.find(keyword.as_bytes()) {
                        self.keywords.insert(at, Arc::clone(keyword));
                    }
                }
            }
            Action::Remove => {
                self.system &= !with.system;
                self.keywords.retain(|keyword| with.find(keyword.as_bytes()).is_err());
            }
        }
    }

    /// Keywords, ascending.
    pub fn keywords(&self) -> &[Arc<str>] {
        &self.keywords
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Flag> + '_ {
        let system = SYSTEM.iter().filter(|flag| bit(flag).is_some_and(|bit| self.system & bit != 0));
        let system = system.filter_map(|flag| match flag {
            Flag::Answered => Some(Flag::Answered),
            Flag::Flagged => Some(Flag::Flagged),
            Flag::Deleted => Some(Flag::Deleted),
            Flag::Seen => Some(Flag::Seen),
            Flag::Draft => Some(Flag::Draft),
            _ => None,
        });
        system.chain(self.keywords.iter().filter_map(|keyword| Flag::keyword(keyword)))
    }

    /// As it is written.
    pub fn list(&self) -> FlagList {
        FlagList::of(self.iter())
    }

    fn find(&self, word: &[u8]) -> Result<usize, usize> {
        self.keywords.binary_search_by(|keyword| {
            let lower = |text: &[u8]| text.to_ascii_lowercase();
            lower(keyword.as_bytes()).cmp(&lower(word))
        })
    }
}

impl<B: AsRef<[u8]>> FromIterator<Flag<B>> for Flags {
    fn from_iter<T: IntoIterator<Item = Flag<B>>>(flags: T) -> Self {
        let mut this = Self::default();
        flags.into_iter().for_each(|flag| this.insert(&flag));
        this
    }
}
